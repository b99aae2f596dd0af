import type { Reply } from '../call/call.js';
import type { Principal } from '../call/values.js';
import type { WireCall, WireHandler } from '../transport/transport.js';
import { AssertionSigner, type SecuredConnection, type SignerOptions } from './signer.js';

/** Adds to the calls of a connection on whose behalf they are made, if it has mutual TLS. */
export class SignedCalls {
  readonly #options: SignerOptions;
  #signer: AssertionSigner | undefined;

  constructor(options: SignerOptions) {
    this.#options = options;
  }

  /** The connection has been made anew. */
  begin(connection: SecuredConnection): void {
    this.#signer = new AssertionSigner(connection, this.#options);
  }

  /** Carries a call on behalf of `principal` by `carry`. */
  carry(wire: WireCall, principal: Principal, carry: WireHandler): Promise<Reply<Uint8Array>> {
    const assertion = this.#signer?.assertionOf(principal);
    if (assertion instanceof Promise) return carryOnceSigned(wire, assertion, carry);
    wire.assertion = assertion;
    return carry(wire);
  }
}

async function carryOnceSigned(
  wire: WireCall,
  signed: Promise<string>,
  carry: WireHandler,
): Promise<Reply<Uint8Array>> {
  const assertion = await signed;
  wire.context.throwIfEnded();
  wire.assertion = assertion;
  return carry(wire);
}
