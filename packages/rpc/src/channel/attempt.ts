import type { Clock } from '@rondo/base';
import type { Reply } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import type { AttemptSpan } from '../call/trace.js';
import type { Method } from '../contract/method.js';
import { observeReply } from '../middleware/stream.js';
import { Status } from '../status/code.js';
import { type Attempt, RpcError } from '../status/rpc-error.js';
import { OvertakenByHedge } from '../status/wire-errors.js';
import type { WireCall } from '../transport/transport.js';
import type { Failure } from './failure.js';
import type { AttemptOutcome, MethodCandidate, Subchannel } from './subchannel.js';

/** A record of one attempt, or of waiting for one connection, for the call's report. */
export class AttemptRecord implements Attempt {
  readonly instance: string;
  readonly address: string;
  code: Attempt['code'] = 'PENDING';
  message: string;
  elapsedMs = 0;
  readonly #clock: Clock;
  readonly #startedAt: number;

  constructor({ endpoint }: Subchannel, clock: Clock, message: string) {
    this.instance = endpoint.instanceId;
    this.address = endpoint.address;
    this.message = message;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** When it began. A getter, because the own properties are copied into reports. */
  protected get startedAt(): number {
    return this.#startedAt;
  }

  end(error?: unknown): void {
    this.elapsedMs = this.#clock.now() - this.#startedAt;
    if (error !== undefined && !(error instanceof RpcError)) return;
    this.code = error?.codeName ?? 'OK';
    this.message = error?.message ?? '';
  }
}

const NO_ANSWER = 'no answer yet';

/** Whether the call was sent to the instance: it isn't while it waits for a connection. */
export const wasSent = ({ code, message }: Attempt): boolean => code !== 'PENDING' || message === NO_ANSWER;

/** Hears how attempts go: the endpoint pool. */
export interface AttemptListener {
  /** An attempt begins. Returns whether it is a probe: its outcome decides whether the candidate stays ejected. */
  onBegin(candidate: MethodCandidate): boolean;
  /** The server answers: with a reply, the start of a stream, or a handler's error. `probe`: the answer ends a probe. */
  onAnswer(candidate: MethodCandidate, probe: boolean): void;
  /** The attempt has ended, with all of its response. `unary`: neither the request nor the response is a stream. */
  onEnd(candidate: MethodCandidate, outcome: AttemptOutcome, unary: boolean): void;
}

/** A call that can be made elsewhere while an attempt of it is in flight. */
export interface MovableCall {
  /** Whether another instance can take the call of `context` now. If so, it takes the retry from the budget. */
  move(context: CallContext): boolean;
}

/** An attempt at a candidate. It reports its progress to its listener. */
export class CallAttempt extends AttemptRecord {
  readonly #candidate: MethodCandidate;
  readonly #listener: AttemptListener;
  #probe: boolean;
  #call: MovableCall | undefined;
  #context: CallContext | undefined;

  constructor(candidate: MethodCandidate, listener: AttemptListener, clock: Clock) {
    super(candidate.subchannel, clock, NO_ANSWER);
    this.#candidate = candidate;
    this.#listener = listener;
    this.#probe = listener.onBegin(candidate);
  }

  /** Whether it is a probe. */
  get probe(): boolean {
    return this.#probe;
  }

  /** Lets the attempt be abandoned if its instance falls silent. */
  abandonFor(call: MovableCall, context: CallContext): void {
    this.#call = call;
    this.#context = context;
    this.#candidate.subchannel.abandonable.add(this);
  }

  /** Moves its call to another instance. Returns the context of the call to abandon; undefined if it can't be moved. */
  moved(): CallContext | undefined {
    return this.#context !== undefined && this.#call?.move(this.#context) ? this.#context : undefined;
  }

  /** The server has answered. Follows the reply to its end: a stream ends with its last message. */
  succeed(reply: Reply<Uint8Array>, wire: WireCall): Reply<Uint8Array> {
    const { stream } = reply.response;
    this.#listener.onAnswer(this.#candidate, stream && this.#probe);
    if (!stream) {
      this.#complete(reply, !wire.request.stream);
      return reply;
    }
    this.message = 'the answer has not come to its end';
    this.#probe = false;
    const end = (error?: unknown) => (error === undefined ? this.#complete(reply, false) : this.fail(error, wire));
    return observeReply(reply, { end });
  }

  /** The attempt failed, or its caller stopped waiting. */
  fail(error: unknown, wire: WireCall, failure?: Pick<Failure, 'answered' | 'refusal'>): void {
    this.#finish(error);
    const { context, deadline } = wire;
    const { elapsedMs, startedAt } = this;
    const endedAt = startedAt + elapsedMs;
    const endedBy = endedByOf(context);
    const waitedMs = endedBy === 'deadline' ? Math.min(elapsedMs, (deadline ?? endedAt) - startedAt) : elapsedMs;
    const trailer = error instanceof RpcError ? error.metadata : undefined;
    const outcome = { error, elapsedMs: waitedMs, endedAt, endedBy, trailer, probe: this.#probe };
    const unary = !wire.responseStream && !wire.request.stream;
    this.#listener.onEnd(this.#candidate, { ...outcome, refusal: failure?.refusal }, unary);
    if (failure?.answered) this.#listener.onAnswer(this.#candidate, false);
  }

  #finish(error?: unknown): void {
    this.end(error);
    if (this.#call !== undefined) this.#candidate.subchannel.abandonable.delete(this);
  }

  #complete({ trailer }: Reply<Uint8Array>, unary: boolean): void {
    this.#finish();
    const { elapsedMs, startedAt } = this;
    const endedAt = startedAt + elapsedMs;
    const outcome = { error: undefined, elapsedMs, endedAt, trailer, probe: this.#probe };
    this.#listener.onEnd(this.#candidate, outcome, unary);
  }
}

/** Ends the span of an attempt with its answer. A watch lasts as long as its caller wants, so its span ends as the answer begins. */
export function endSpan(
  span: AttemptSpan | undefined,
  { policy }: Method,
  answer: Reply<Uint8Array>,
): Reply<Uint8Array> {
  if (span === undefined) return answer;
  if (policy.resume === undefined) return observeReply(answer, span);
  span.end();
  return answer;
}

/** The duration of the longest attempt, in milliseconds. Waiting for a connection does not count. */
export function longestAttemptMs(attempts: readonly Attempt[]): number {
  return Math.max(0, ...attempts.map((attempt) => (attempt instanceof CallAttempt ? attempt.elapsedMs : 0)));
}

/** What ended the call before its answer; undefined if nothing did. */
function endedByOf({ reason }: CallContext): AttemptOutcome['endedBy'] {
  if (reason === undefined) return undefined;
  if (reason instanceof OvertakenByHedge) return 'hedge';
  return reason.code === Status.DEADLINE_EXCEEDED ? 'deadline' : 'caller';
}
