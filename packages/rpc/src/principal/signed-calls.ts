import type { Reply } from '../call/call.js';
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

  /** Carries a call by `carry`, with an assertion if it has a principal. */
  carry(wire: WireCall, carry: WireHandler): Promise<Reply<Uint8Array>> {
    const { principal } = wire;
    if (principal === undefined) return carry(wire);
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
