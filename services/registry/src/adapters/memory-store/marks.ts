import { LimitReached } from '../../domain/errors.js';
import type { OperatorMark, OperatorState } from '../../domain/instance.js';
import type { OperatorWish } from '../../domain/store.js';

/**
 * What operators have set, by instance id. A mark stays until it is taken back, also where its instance never does: who
 * took an instance out must not find it back because it was away for a while. So there are no more than `limit`.
 */
export class Marks {
  readonly #limit: number;
  readonly #marks = new Map<string, OperatorMark>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(instanceId: string): boolean {
    return this.#marks.has(instanceId);
  }

  stateOf(instanceId: string): OperatorState {
    return this.#marks.get(instanceId)?.state ?? 'none';
  }

  /**
   * Says whether anything is another than before.
   *
   * @throws LimitReached where a mark more is too much.
   */
  set(instanceId: string, { state, reason }: OperatorWish, nowMs: number): boolean {
    const present = this.#marks.get(instanceId);
    if (state === 'none') return this.#marks.delete(instanceId);
    if (present?.state === state && present.reason === reason) return false;
    if (present === undefined && this.#marks.size >= this.#limit) throw new LimitReached('cordoned', this.#limit);
    this.#marks.set(instanceId, { instanceId, state, reason, setTimeMs: nowMs });
    return true;
  }

  /** All of them, by instance id. */
  list(): readonly OperatorMark[] {
    return [...this.#marks.values()].sort((one, other) => (one.instanceId < other.instanceId ? -1 : 1));
  }
}
