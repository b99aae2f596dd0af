import type { Clock } from '@rondo/base';
import type { CallContext } from '@rondo/rpc/call';
import type { BulkheadPolicy } from './channel-types.js';

/** Why a bulkhead refuses a call: its queue is full, or the call has waited in it for too long. */
export type BulkheadRefusal = 'full' | 'late';

/** A call that waits in the queue. */
interface QueuedCall {
  /** The call may be made: it counts as in flight. */
  admit(): void;
}

/**
 * Bounds the calls of one method in flight. Further calls wait in a queue, in their order, which is bounded in length and
 * time. Source: M. Nygard, Release It!, chapter "Stability Patterns".
 */
export class Bulkhead {
  inFlight = 0;
  /** The calls that were refused. */
  refused = 0;
  policy: BulkheadPolicy;
  readonly #clock: Clock;
  readonly #queue = new Set<QueuedCall>();

  constructor(policy: BulkheadPolicy, clock: Clock) {
    this.policy = policy;
    this.#clock = clock;
  }

  /** The calls that wait. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Takes a place without waiting. Returns whether there was one. */
  tryEnter(): boolean {
    if (this.inFlight >= this.policy.maxCalls || this.#queue.size > 0) return false;
    this.inFlight += 1;
    return true;
  }

  /**
   * Waits for a place. Resolves to undefined once the call has one, or else to the reason for the refusal. Rejects
   * with the context's reason.
   */
  async enter(context: CallContext): Promise<BulkheadRefusal | undefined> {
    if (this.tryEnter()) return undefined;
    const refusal = this.#queue.size >= this.policy.maxQueued ? 'full' : await this.#wait(context);
    if (refusal !== undefined) this.refused += 1;
    return refusal;
  }

  /** Gives a place back. */
  leave(): void {
    this.inFlight -= 1;
    this.admitQueued();
  }

  /** Admits the calls for which there are places: after a call has left, and after a change of the policy. */
  admitQueued(): void {
    for (const call of this.#queue) {
      if (this.inFlight >= this.policy.maxCalls) return;
      this.inFlight += 1;
      call.admit();
    }
  }

  #wait(context: CallContext): Promise<BulkheadRefusal | undefined> {
    return new Promise((resolve, reject) => {
      const leaveQueue = () => {
        timer.cancel();
        context.offEnd(onEnd);
        this.#queue.delete(queued);
      };
      const onEnd = () => {
        leaveQueue();
        reject(context.reason);
      };
      const queued = {
        admit() {
          leaveQueue();
          resolve(undefined);
        },
      };
      const timer = this.#clock.setTimer(this.policy.queueTimeoutMs, () => {
        leaveQueue();
        resolve('late');
      });
      this.#queue.add(queued);
      context.onEnd(onEnd);
    });
  }
}
