import { Metadata, type Payload, type Reply } from '../call/index.js';
import { longestAttemptMs } from '../channel/attempt.js';
import type { Channel } from '../channel/channel.js';
import type { Resume } from '../contract/index.js';
import { RpcError, Status } from '../status/index.js';
import { TransportError } from '../transport/index.js';
import type { ClientCall } from './client.js';
import { Outage, wait } from './resume-outage.js';

/** How long a stream that broke is tried for, where its caller doesn't say. Milliseconds. */
const RESUME_FOR_MS = 60_000;

/** What of a call's contract says that it is resumed; undefined where it isn't, or its caller doesn't want that. */
export function resumeFields({ method, request, options }: ClientCall): Resume | undefined {
  const { resumeForMs = RESUME_FOR_MS, instance } = options;
  if (!(resumeForMs >= 0)) {
    throw new RpcError(Status.INVALID_ARGUMENT, `resumeForMs is ${resumeForMs}; it must be 0 or more milliseconds`);
  }
  // One that may go to a single instance is asked once.
  return request.stream || instance !== undefined || resumeForMs === 0 ? undefined : method.policy.resume;
}

/**
 * Starts a call whose replies go on where their stream breaks: it is called again, at another instance, from behind the
 * last reply that the reader has taken. Where the first call isn't answered, there is nothing to take up again: it fails
 * as any call does.
 */
export async function startResuming(
  call: ClientCall,
  channel: Channel,
  { fields, start }: { readonly fields: Resume; readonly start: Start },
): Promise<Reply> {
  const { request, method, options } = call;
  const reply = await start(request, undefined);
  if (request.stream || !reply.response.stream) return reply;
  const { clock, random } = channel;
  const stream = new ResumedStream(reply, {
    call,
    channel,
    start,
    point: new ResumePoint(fields, request.message),
    outage: new Outage({
      clock,
      random,
      forMs: options.resumeForMs ?? RESUME_FOR_MS,
      mayTryAgain: () => channel.fleet(method).mayRetry(),
    }),
  });
  return { header: reply.header, trailer: stream.trailer, response: { stream: true, messages: stream } };
}

/** Makes the call once, with `request`; not at the instance `lost` where another takes it. */
type Start = (request: Payload, lost: string | undefined) => Promise<Reply>;

/** What a stream is resumed with. */
interface ResumedOptions {
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
class ResumedStream implements AsyncIterable<unknown>, AsyncIterator<unknown, undefined> {
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
    const pauseMs = outage.onBreak(longestAttemptMs(call.attempts.slice(this.#firstTry)));
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

/** How far the reader of a stream has come: what a further call asks for. */
class ResumePoint {
  readonly #fields: Resume;
  readonly #request: unknown;
  #token: string | Uint8Array | undefined;

  constructor(fields: Resume, request: unknown) {
    this.#fields = fields;
    this.#request = request;
  }

  /** Notes what the reader has taken. What has no token is no point to go on from. */
  taken(message: unknown): void {
    const token = isMessage(message) ? message[this.#fields.response] : undefined;
    if ((typeof token === 'string' || token instanceof Uint8Array) && token.length > 0) this.#token = token;
  }

  /** The caller's own request, until there is a token. */
  get request(): unknown {
    if (this.#token === undefined || !isMessage(this.#request)) return this.#request;
    const copy: object = Object.create(Object.getPrototypeOf(this.#request));
    return Object.assign(copy, this.#request, { [this.#fields.request]: this.#token });
  }
}

function isMessage(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
