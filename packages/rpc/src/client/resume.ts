import type { Payload, Reply } from '../call/call.js';
import type { ClientCall } from '../call/client-call.js';
import { Metadata } from '../call/metadata.js';
import { longestAttemptMs } from '../channel/attempt.js';
import type { Channel } from '../channel/channel.js';
import type { Resume } from '../contract/policy.js';
import { clientErrors } from '../errors/client.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { TransportError } from '../status/wire-errors.js';
import { Outage, wait } from './resume-outage.js';

/** The default of `resumeForMs`. Milliseconds. */
const RESUME_FOR_MS = 60_000;

/**
 * Whether the call's stream is resumed: its contract says how, and the caller wants it.
 *
 * @throws RpcError `INVALID_ARGUMENT` if `resumeForMs` is negative or NaN.
 */
export function isResumed({ method, request, options }: ClientCall): boolean {
  const { resumeForMs = RESUME_FOR_MS, instance } = options;
  if (!(resumeForMs >= 0)) throw clientErrors.INVALID_RESUME_FOR({ resumeForMs });
  // A call to one named instance is made only once.
  return !request.stream && instance === undefined && resumeForMs !== 0 && method.policy.resume !== undefined;
}

/** The point up to which the reader has read a stream. It makes the request of the next call. */
export interface ResumePoint {
  /** The reader has taken `message`. A message without a token doesn't move the point. */
  onTaken(message: unknown): void;
  /** The caller's request with the last token in it; the caller's own request if there is no token yet. */
  readonly request: unknown;
}

/** The point of a call's stream, by the fields that the contract names. Undefined if the stream isn't resumed. */
export function resumePoint(call: ClientCall): ResumePoint | undefined {
  const { method, request } = call;
  const fields = isResumed(call) ? method.policy.resume : undefined;
  return request.stream || fields === undefined ? undefined : new DecodedPoint(fields, request.message);
}

/**
 * Starts a call whose response stream is resumed when it breaks. The client calls the method again, at another instance
 * if there is one, with the token of the last message that the reader has taken. If the first call fails before its
 * response begins, it fails as any call does.
 */
export async function startResuming(
  call: ClientCall,
  channel: Channel,
  { point, start }: { readonly point: ResumePoint; readonly start: Start },
): Promise<Reply> {
  const { request, method, options } = call;
  const reply = await start(request, undefined);
  if (request.stream || !reply.response.stream) return reply;
  const { clock, random } = channel;
  const stream = new ResumedStream(reply, {
    call,
    channel,
    start,
    point,
    outage: new Outage({
      clock,
      random,
      forMs: options.resumeForMs ?? RESUME_FOR_MS,
      mayRetry: () => channel.fleet(method).mayRetry(),
    }),
  });
  return { header: reply.header, trailer: stream.trailer, response: { stream: true, messages: stream } };
}

/** Makes the call once with `request`. It avoids the instance `lost` if another one can take the call. */
type Start = (request: Payload, lost: string | undefined) => Promise<Reply>;

/** What a resumed stream is made from. */
interface ResumedOptions {
  readonly call: ClientCall;
  readonly channel: Channel;
  readonly start: Start;
  readonly point: ResumePoint;
  readonly outage: Outage;
}

/** How many of the call's last attempts are kept for its report when it is resumed. */
const MAX_ATTEMPTS = 16;

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** A response stream that consists of one call after another and looks like one stream to its reader. It reads nothing ahead. */
class ResumedStream implements AsyncIterable<unknown>, AsyncIterator<unknown, undefined> {
  /** Empty until the stream ends; then the trailer of the last call. */
  readonly trailer = new Metadata();
  readonly #options: ResumedOptions;
  #reply: Reply;
  #messages: AsyncIterator<unknown>;
  /** The index in `attempts` of the latest call's first attempt. */
  #firstAttempt = 0;
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
        return this.#onStep(await this.#messages.next());
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

  #onStep(step: IteratorResult<unknown>): IteratorResult<unknown, undefined> {
    const { outage, point } = this.#options;
    if (step.done === true) {
      this.trailer.receive(this.#reply.trailer);
      return END;
    }
    outage.onMessage();
    point.onTaken(step.value);
    return step;
  }

  /** Calls again until a call is answered. @throws the error that ends the stream if it can't be resumed. */
  async #resume(broken: unknown): Promise<void> {
    const { start, point, call } = this.#options;
    for (let error = broken; ; ) {
      const lost = call.attempts.at(-1)?.instance;
      await this.#pause(error);
      // The array belongs to the call, whose final error reports its attempts. So it is changed in place.
      call.attempts.splice(0, call.attempts.length - MAX_ATTEMPTS);
      this.#firstAttempt = call.attempts.length;
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
    if (!isResumable(error) || this.#left || channel.closed || call.context.reason !== undefined) throw error;
    const pauseMs = outage.onBreak(longestAttemptMs(call.attempts.slice(this.#firstAttempt)));
    if (pauseMs === undefined) throw outage.explain(error);
    call.options.onStreamBreak?.(error);
    await wait(pauseMs, call, channel);
    if (this.#left || channel.closed) throw error;
    call.context.throwIfEnded();
  }
}

function messagesOf({ response }: Reply): AsyncIterator<unknown> {
  if (!response.stream) throw new TypeError('one message where a stream was expected');
  return response.messages[Symbol.asyncIterator]();
}

/** Whether another call may succeed: the connection was lost, the instance is unavailable, or the reader was too slow. */
function isResumable(error: unknown): error is RpcError {
  if (!(error instanceof RpcError)) return false;
  if (error instanceof TransportError) return !error.foreign;
  return error.code === Status.UNAVAILABLE || error.code === Status.ABORTED;
}

class DecodedPoint implements ResumePoint {
  readonly #fields: Resume;
  readonly #request: unknown;
  #token: string | Uint8Array | undefined;

  constructor(fields: Resume, request: unknown) {
    this.#fields = fields;
    this.#request = request;
  }

  onTaken(message: unknown): void {
    const token = isMessage(message) ? message[this.#fields.response] : undefined;
    if ((typeof token === 'string' || token instanceof Uint8Array) && token.length > 0) this.#token = token;
  }

  get request(): unknown {
    if (this.#token === undefined || !isMessage(this.#request)) return this.#request;
    const copy: object = Object.create(Object.getPrototypeOf(this.#request));
    return Object.assign(copy, this.#request, { [this.#fields.request]: this.#token });
  }
}

function isMessage(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
