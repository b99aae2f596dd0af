import type { CallLimit, Reply } from '../call/index.js';
import type { Clock } from '../clock/index.js';
import { observeReply } from '../middleware/index.js';
import { type Attempt, RpcError, Status } from '../status/index.js';
import type { WireCall } from '../transport/index.js';
import type { EndpointGroup } from './endpoint-pool.js';
import type { Member } from './subchannel.js';
import type { Target, TryOutcome } from './method-subchannel.js';

/** A try, and how far it has come. */
export class Try implements Attempt {
  readonly instance: string;
  readonly address: string;
  code: Attempt['code'] = 'PENDING';
  message: string;
  elapsedMs = 0;
  readonly #clock: Clock;
  readonly #startedAt: number;

  constructor({ endpoint }: Member, clock: Clock, message: string) {
    this.instance = endpoint.instanceId;
    this.address = endpoint.address;
    this.message = message;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** When it began. Not a property of its own: attempts are copied into reports. */
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

/** A try at a target. */
export class TargetTry extends Try {
  readonly #target: Target;
  readonly #group: Listener;
  #probe: boolean;

  constructor(target: Target, group: Listener, clock: Clock) {
    super(target.member, clock, 'no answer yet');
    this.#target = target;
    this.#group = group;
    this.#probe = group.onBegin(target);
  }

  /** Whether it finds out for others how its target is. */
  get probe(): boolean {
    return this.#probe;
  }

  /** The try ends with its answer: with the stream, where that is one. */
  follow(reply: Reply<Uint8Array>, wire: WireCall): Reply<Uint8Array> {
    if (!reply.response.stream) {
      this.#answered(reply);
      return reply;
    }
    this.message = 'the answer has not come to its end';
    if (this.#probe) this.#group.onStream(this.#target);
    this.#probe = false;
    const end = (error?: unknown) => (error === undefined ? this.#answered(reply) : this.failed(error, wire));
    return observeReply(reply, { end });
  }

  /** It was answered, to the end. */
  #answered({ trailer }: Reply<Uint8Array>): void {
    this.end();
    const { elapsedMs, startedAt } = this;
    const endedAt = startedAt + elapsedMs;
    this.#group.onEnd(this.#target, { error: undefined, elapsedMs, endedAt, trailer, probe: this.#probe });
  }

  /** It failed, or nobody waits for it any more. */
  failed(error: unknown, { limit, deadline }: WireCall): void {
    this.end(error);
    const { elapsedMs, startedAt } = this;
    const endedAt = startedAt + elapsedMs;
    const over = whyOver(limit);
    const waitedMs = over === 'expired' ? Math.min(elapsedMs, (deadline ?? endedAt) - startedAt) : elapsedMs;
    const trailer = error instanceof RpcError ? error.metadata : undefined;
    this.#group.onEnd(this.#target, { error, elapsedMs: waitedMs, endedAt, over, trailer, probe: this.#probe });
  }
}

/** How long the longest of some tries had a connection, in milliseconds: those that only waited for one don't count. */
export function longestTry(attempts: readonly Attempt[]): number {
  return Math.max(0, ...attempts.map((attempt) => (attempt instanceof TargetTry ? attempt.elapsedMs : 0)));
}

type Listener = Pick<EndpointGroup, 'onBegin' | 'onStream' | 'onEnd'>;

/** Why the caller waits no longer; undefined where it does. */
function whyOver({ reason }: CallLimit): TryOutcome['over'] {
  if (reason === undefined) return undefined;
  return reason.code === Status.DEADLINE_EXCEEDED ? 'expired' : 'left';
}
