import type { Clock } from '@rondo/base';
import type { Reply } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import type { AttemptTimes } from '../call/call-timer.js';
import type { AttemptSpan } from '../call/trace.js';
import type { Method } from '../contract/method.js';
import { observeReply } from '../middleware/stream.js';
import { Status } from '../status/code.js';
import { type Attempt, RpcError } from '../status/rpc-error.js';
import { OvertakenByHedge } from '../status/wire-errors.js';
import type { WireCall } from '../transport/transport.js';
import { classifyFailure, type Failure } from './failure.js';
import type { AttemptOutcome, MethodCandidate } from './subchannel.js';

const NO_ANSWER = 'no answer yet';

/** Whether the call was sent to the instance: it isn't while it waits for a connection. */
export const wasSent = ({ code, message }: Attempt): boolean => code !== 'PENDING' || message === NO_ANSWER;

/** Hears how attempts go: the endpoint pool. */
export interface AttemptListener {
  /** An attempt begins. Returns whether it is a probe: its outcome decides whether the candidate stays ejected. */
  onBegin(candidate: MethodCandidate): boolean;
  /** The server has begun to answer by a stream. `probe`: that ends a probe. */
  onAnswer(candidate: MethodCandidate, probe: boolean): void;
  /** The attempt has ended, with all of its response. `unary`: neither the request nor the response is a stream. */
  onEnd(candidate: MethodCandidate, outcome: AttemptOutcome, unary: boolean): void;
}

/** A call that can be made elsewhere while an attempt of it is in flight. */
interface MovableCall {
  /** Whether another instance can take the call of `context` now. If so, it takes the retry from the budget. */
  move(context: CallContext): boolean;
}

/** What an attempt is made with. */
interface CallAttemptOptions {
  readonly method: Method;
  readonly pool: AttemptListener;
  readonly clock: Clock;
  /** The call, if the attempt may be abandoned when its instance falls silent. */
  readonly movable?: MovableCall | undefined;
}

/** One attempt of a call, at a candidate. Its own properties are what the call's report says of it. */
export class CallAttempt implements Attempt {
  readonly instance: string;
  readonly address: string;
  code: Attempt['code'] = 'PENDING';
  message = NO_ANSWER;
  elapsedMs = 0;
  readonly #candidate: MethodCandidate;
  readonly #wire: WireCall;
  readonly #options: CallAttemptOptions;
  readonly #startedAt: number;
  #probe: boolean;
  #span: AttemptSpan | undefined;
  #times: AttemptTimes | undefined;

  constructor(candidate: MethodCandidate, wire: WireCall, options: CallAttemptOptions) {
    const { endpoint } = candidate.subchannel;
    this.instance = endpoint.instanceId;
    this.address = endpoint.address;
    this.#candidate = candidate;
    this.#wire = wire;
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#probe = options.pool.onBegin(candidate);
    if (options.movable !== undefined) candidate.subchannel.abandonable.add(this);
  }

  /** Moves its call to another instance. Returns the context of the call to abandon; undefined if it can't be moved. */
  moved(): CallContext | undefined {
    const { context } = this.#wire;
    return this.#options.movable?.move(context) ? context : undefined;
  }

  /** Sends the call. {@link succeed} takes its reply, or {@link fail} its error. */
  send(previousAttempts?: number): Promise<Reply<Uint8Array>> {
    const { subchannel } = this.#candidate;
    const { context, metadata, timer } = this.#wire;
    this.#span = context.span?.attempt(subchannel.endpoint, metadata);
    this.#times = timer?.begin(subchannel);
    const [span, times] = [this.#span, this.#times];
    const asGiven = previousAttempts === undefined && times === undefined && span?.metadata === undefined;
    const own = asGiven ? undefined : { metadata: span?.metadata ?? metadata, previousAttempts, times };
    return subchannel.transport.call(own === undefined ? this.#wire : { ...this.#wire, ...own });
  }

  /** The server has answered. Follows the reply to its end: a stream ends with its last message. */
  succeed(reply: Reply<Uint8Array>): Reply<Uint8Array> {
    if (this.#times !== undefined) this.#wire.timer?.onAnswer(this.#times);
    if (reply.response.stream) return this.#follow(reply);
    this.#end({ answered: true, trailer: reply.trailer });
    this.#span?.end();
    return reply;
  }

  /** The attempt failed, or its caller stopped waiting. Returns what that means for the call; undefined if it is no status. */
  fail(error: unknown): Failure | undefined {
    this.#span?.end(error);
    const failure = classifyFailure(this.#options.method, error, this.#probe);
    this.#end({ error, answered: failure?.answered, refusal: failure?.refusal });
    return failure;
  }

  #follow(reply: Reply<Uint8Array>): Reply<Uint8Array> {
    const { method, pool } = this.#options;
    pool.onAnswer(this.#candidate, this.#probe);
    this.#probe = false;
    this.message = 'the answer has not come to its end';
    // A watch lasts as long as its caller wants, so its span ends as the answer begins.
    if (method.policy.resume !== undefined) this.#span?.end();
    return observeReply(reply, {
      end: (error) => {
        this.#end({ error, trailer: reply.trailer });
        this.#span?.end(error);
      },
    });
  }

  /** @param trailer the trailing metadata of the reply; an error has its own. */
  #end({ error, answered, trailer, refusal }: AttemptEnd): void {
    const { clock, pool, movable } = this.#options;
    const { context, deadline, request, responseStream } = this.#wire;
    const endedAt = clock.now();
    this.elapsedMs = endedAt - this.#startedAt;
    if (error === undefined) {
      this.code = 'OK';
      this.message = '';
    } else if (error instanceof RpcError) {
      this.code = error.codeName;
      this.message = error.message;
    }
    if (movable !== undefined) this.#candidate.subchannel.abandonable.delete(this);
    const endedBy = error === undefined ? undefined : endedByOf(context);
    const untilMs = endedBy === 'deadline' ? Math.min(endedAt, deadline ?? endedAt) : endedAt;
    const outcome = {
      error,
      answered,
      elapsedMs: untilMs - this.#startedAt,
      endedAt,
      endedBy,
      trailer: error instanceof RpcError ? error.metadata : trailer,
      probe: this.#probe,
      refusal,
    };
    pool.onEnd(this.#candidate, outcome, !responseStream && !request.stream);
  }
}

/** What is known at the end of an attempt. */
type AttemptEnd = Pick<AttemptOutcome, 'answered' | 'trailer' | 'refusal'> & { readonly error?: unknown };

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
