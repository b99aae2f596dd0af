import { Metadata, type Payload, type Reply } from '../../call/index.js';
import { RpcError, Status } from '../../status/index.js';
import { TransportError } from '../../transport/index.js';
import { longestTry } from '../attempts/try.js';
import type { Channel } from '../channel.js';
import type { ClientCall } from '../client-call.js';
import type { Outage } from './outage.js';
import type { ResumePoint } from './resume-point.js';
import { wait } from './wait.js';

/** Makes the call once, with `request`; not at the instance `lost` where another takes it. */
export type Start = (request: Payload, lost: string | undefined) => Promise<Reply>;

/** What a stream is resumed with. */
export interface ResumedOptions {
  readonly call: ClientCall;
  readonly channel: Channel;
  readonly start: Start;
  readonly point: ResumePoint;
  readonly outage: Outage;
}

/** So many tries of a call are remembered, the last ones, when a further one begins. */
const MAX_ATTEMPTS = 16;

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** One stream to its reader, of one call after another. Nothing is read ahead. */
export class ResumedStream implements AsyncIterable<unknown>, AsyncIterator<unknown, undefined> {
  /** Filled at the end, with that of the call which came to it. */
  readonly trailer = new Metadata();
  readonly #options: ResumedOptions;
  #reply: Reply;
  #messages: AsyncIterator<unknown>;
  /** Where, among the tries, those of the latest call begin. */
  #firstTry = 0;
  #left = false;

  constructor(reply: Reply, options: ResumedOptions) {
    this.#options = options;
    this.#reply = reply;
    this.#messages = messagesOf(reply);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    for (;;) {
      try {
        return this.#taken(await this.#messages.next());
      } catch (error) {
        await this.#resume(error);
      }
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#left = true;
    await this.#messages.return?.();
    return END;
  }

  #taken(step: IteratorResult<unknown>): IteratorResult<unknown, undefined> {
    const { outage, point } = this.#options;
    if (step.done === true) {
      this.trailer.receive(this.#reply.trailer);
      return END;
    }
    outage.over();
    point.taken(step.value);
    return step;
  }

  /** Begins the stream again, however often that takes. @throws what it ends with, where it can't be. */
  async #resume(broken: unknown): Promise<void> {
    const { start, point, call } = this.#options;
    for (let error = broken; ; ) {
      const lost = call.attempts.at(-1)?.instance;
      await this.#pause(error);
      // The array is the call's own: what it fails with in the end tells of what stands there.
      call.attempts.splice(0, call.attempts.length - MAX_ATTEMPTS);
      this.#firstTry = call.attempts.length;
      try {
        this.#reply = await start({ stream: false, message: point.request }, lost);
        this.#messages = messagesOf(this.#reply);
        if (this.#left) await this.#messages.return?.();
        return;
      } catch (failure) {
        error = failure;
      }
    }
  }

  async #pause(error: unknown): Promise<void> {
    const { call, channel, outage } = this.#options;
    if (!isPassing(error) || this.#left || channel.closed || call.limit.reason !== undefined) throw error;
    const pauseMs = outage.onBreak(longestTry(call.attempts.slice(this.#firstTry)));
    if (pauseMs === undefined) throw outage.explain(error);
    call.options.onBreak?.(error);
    await wait(pauseMs, call, channel);
    if (this.#left || channel.closed) throw error;
    call.limit.throwIfEnded();
  }
}

function messagesOf({ response }: Reply): AsyncIterator<unknown> {
  if (!response.stream) throw new TypeError('one message where a stream was expected');
  return response.messages[Symbol.asyncIterator]();
}

/** Whether another call may fare better: the connection was lost, the instance can't go on, or the reader was too slow. */
function isPassing(error: unknown): error is RpcError {
  if (!(error instanceof RpcError)) return false;
  if (error instanceof TransportError) return !error.foreign;
  return error.code === Status.UNAVAILABLE || error.code === Status.ABORTED;
}
