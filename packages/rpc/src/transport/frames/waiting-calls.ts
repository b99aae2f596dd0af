import type { Reply } from '../../call/call.js';
import { transportErrors } from '../../errors/transport.js';
import type { RpcError } from '../../status/rpc-error.js';
import type { WireCall } from '../transport.js';

/** The most calls that wait for room on one connection. */
const MAX_CALLS = 16_384;
/** The most that their requests have together. Bytes. */
const MAX_BYTES = 64 * 1_024 * 1_024;

/** A call that waits. */
export interface WaitingCall {
  /** The length of its request. */
  readonly bytes: number;
  /** Sends it. */
  readonly send: () => Promise<Reply<Uint8Array>>;
  readonly resolve: (reply: Promise<Reply<Uint8Array>>) => void;
  readonly reject: (error: RpcError) => void;
  /** Runs when the call doesn't wait any more. */
  readonly release: () => void;
}

/** What to do about a call that begins to wait. */
interface WaitingOptions {
  /** Runs when a call begins to wait. The returned function runs when it doesn't wait any more. */
  readonly onBegin: (wire: WireCall) => () => void;
  /** The error of a call whose caller has left. */
  readonly left: () => RpcError;
}

/** Calls that wait until a connection has room for them, in the order in which they came. */
export class WaitingCalls {
  readonly #options: WaitingOptions;
  readonly #calls = new Set<WaitingCall>();
  /** How many there are. */
  count = 0;
  #bytes = 0;

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  /** Adds a call. It rejects at once if too many wait, and when its caller leaves. */
  add(wire: WireCall, bytes: number, send: WaitingCall['send']): Promise<Reply<Uint8Array>> {
    const { onBegin, left } = this.#options;
    if (this.count >= MAX_CALLS || this.#bytes + bytes > MAX_BYTES) {
      return Promise.reject(transportErrors.TOO_MANY_WAIT({ calls: this.count }, { reach: 'unsent' }));
    }
    return new Promise((resolve, reject) => {
      const end = onBegin(wire);
      const onLeave = () => {
        this.remove(call);
        reject(left());
      };
      const release = () => {
        wire.context.offEnd(onLeave);
        end();
      };
      const call: WaitingCall = { bytes, send, resolve, reject, release };
      this.#calls.add(call);
      this.count += 1;
      this.#bytes += bytes;
      wire.context.onEnd(onLeave);
    });
  }

  /** The call that has waited longest. */
  get first(): WaitingCall | undefined {
    const [first] = this.#calls;
    return first;
  }

  /** Ends the waiting of all calls. */
  fail(error: () => RpcError): void {
    for (const call of [...this.#calls]) {
      this.remove(call);
      call.reject(error());
    }
  }

  /** Takes a call out. */
  remove(call: WaitingCall): void {
    if (!this.#calls.delete(call)) return;
    this.count -= 1;
    this.#bytes -= call.bytes;
    call.release();
  }
}
