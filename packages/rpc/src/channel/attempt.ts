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
  #failure: Failure | undefined;

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

  /** What it means for the call that the attempt failed; undefined if it didn't fail by a status. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Moves its call to another instance. Returns the context of the call to abandon; undefined if it can't be moved. */
  moved(): CallContext | undefined {
    const { context } = this.#wire;
    return this.#options.movable?.move(context) ? context : undefined;
  }

  /** Sends the call. A reply is followed to its end: a stream ends with its last message. */
  async send(previousAttempts?: number): Promise<Reply<Uint8Array>> {
    const { subchannel } = this.#candidate;
    const { method, pool } = this.#options;
    const { context, metadata, timer } = this.#wire;
    const span = context.span?.attempt(subchannel.endpoint, metadata);
    const times = timer?.begin(subchannel);
    const asGiven = previousAttempts === undefined && times === undefined && span?.metadata === undefined;
    const own = asGiven ? undefined : { metadata: span?.metadata ?? metadata, previousAttempts, times };
    try {
      const reply = await subchannel.transport.call(own === undefined ? this.#wire : { ...this.#wire, ...own });
      if (times !== undefined) timer?.onAnswer(times);
      if (reply.response.stream) {
        pool.onAnswer(this.#candidate, this.#probe);
        // A watch lasts as long as its caller wants, so its span ends as the answer begins.
        if (method.policy.resume !== undefined) span?.end();
        return this.#followed(reply, span);
      }
      this.#end({ answered: true, trailer: reply.trailer });
      span?.end();
      return reply;
    } catch (error) {
      span?.end(error);
      this.#failure = classifyFailure(method, error, this.#probe);
      this.#end({ error, answered: this.#failure?.answered });
      throw error;
    }
  }

  #followed(reply: Reply<Uint8Array>, span: AttemptSpan | undefined): Reply<Uint8Array> {
    this.message = 'the answer has not come to its end';
    this.#probe = false;
    return observeReply(reply, {
      end: (error) => {
        this.#end({ error, trailer: reply.trailer });
        span?.end(error);
      },
    });
  }

  /** @param trailer that of the reply; an error has its own. */
  #end({ error, answered, trailer }: Pick<AttemptOutcome, 'answered' | 'trailer'> & { error?: unknown }): void {
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
      refusal: this.#failure?.refusal,
    };
    pool.onEnd(this.#candidate, outcome, !responseStream && !request.stream);
  }
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
