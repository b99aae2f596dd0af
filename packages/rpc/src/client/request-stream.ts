import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallContext } from '../call/call-context.js';
import { clientErrors } from '../errors/client.js';
import { RpcError } from '../status/rpc-error.js';

type Step = IteratorResult<Uint8Array, undefined>;

/**
 * A request stream as the transport reads it. The caller's generator runs in the async context of the caller, and is closed
 * when the call ends. If the generator fails, the call ends with its error.
 */
export class RequestStream implements AsyncIterable<Uint8Array> {
  readonly stream = true;
  readonly messages = this;
  readonly #messages: AsyncIterable<Uint8Array>;
  readonly #context: CallContext;
  readonly #inCallersContext = AsyncLocalStorage.snapshot();
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #closed = false;
  /** Settles the read that waits for a message. */
  #settle: (() => void) | undefined;

  constructor(messages: AsyncIterable<Uint8Array>, context: CallContext) {
    this.#messages = messages;
    this.#context = context;
    context.onEnd(() => this.close());
  }

  /** Reads no more messages and closes the caller's generator. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#settle?.();
    // An error of the generator's clean-up doesn't change the call's outcome.
    void Promise.allSettled([this.#inCallersContext(async () => this.#iterator?.return?.())]);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.close();
        return { done: true, value: undefined };
      },
    };
  }

  #next(): Promise<Step> {
    return new Promise((resolve, reject) => {
      const limit = this.#context;
      this.#settle = () =>
        limit.reason === undefined ? resolve({ done: true, value: undefined }) : reject(limit.reason);
      if (this.#closed) this.#settle();
      else this.#inCallersContext(() => this.#pull()).then(resolve, reject);
    });
  }

  async #pull(): Promise<Step> {
    try {
      this.#iterator ??= this.#messages[Symbol.asyncIterator]();
      const step = await this.#iterator.next();
      return step.done === true ? { done: true, value: undefined } : step;
    } catch (error) {
      const reason = requestFailed(error);
      this.#context.end(reason);
      throw reason;
    }
  }
}

function requestFailed(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return clientErrors.REQUESTS_FAILED({ reason }, { cause: error });
}
