import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallLimit } from '../call/index.js';
import { RpcError, Status } from '../status/index.js';

type Step = IteratorResult<Uint8Array, undefined>;

/**
 * A request stream as a transport reads it. The caller's generator runs in the caller's context, whoever pulls from
 * it, and for no longer than the call; where it fails, it ends the call.
 */
export class RequestStream implements AsyncIterable<Uint8Array> {
  readonly #messages: AsyncIterable<Uint8Array>;
  readonly #limit: CallLimit;
  readonly #inCallersContext = AsyncLocalStorage.snapshot();
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #closed = false;
  /** Ends the wait of whoever is reading. */
  #settle: (() => void) | undefined;

  constructor(messages: AsyncIterable<Uint8Array>, limit: CallLimit) {
    this.#messages = messages;
    this.#limit = limit;
    limit.onEnd(() => this.close());
  }

  /** Asks the caller for no more messages; its generator cleans up. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#settle?.();
    // What the clean-up fails with is no part of the outcome.
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
      const limit = this.#limit;
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
      this.#limit.end(reason);
      throw reason;
    }
  }
}

function requestFailed(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new RpcError(Status.CANCELLED, `the request stream failed: ${reason}`, { cause: error });
}
