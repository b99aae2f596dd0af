import type { Admitted } from '../../domain/admission.js';
import { LimitReached } from '../../domain/errors.js';
import type { OperatorState, OperatorStateEntry, RefusedRegistration } from '../../domain/instance.js';
import type { OperatorStateChange } from '../../domain/store.js';

/** The last call of an incarnation that deregistered, and until when its earlier calls may still arrive. */
interface Tombstone extends Admitted {
  readonly leaseId: string;
  readonly untilMs: number;
}

/**
 * Tombstones of deregistered instances: a registration that was overtaken on its way must not bring the instance back.
 * Each is kept for one TTL of its instance. At most the latest `capacity` are kept.
 */
export class Tombstones {
  readonly #capacity: number;
  readonly #byId = new Map<string, Tombstone>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(instanceId: string, tombstone: Tombstone, nowMs: number): void {
    this.#byId.delete(instanceId);
    if (tombstone.sequence > 0n) this.#byId.set(instanceId, tombstone);
    for (const [oldest, { untilMs }] of this.#byId) {
      if (this.#byId.size <= this.#capacity && untilMs > nowMs) return;
      this.#byId.delete(oldest);
    }
  }

  /** The tombstone of an instance id, if one is kept. */
  of(instanceId: string, nowMs: number): Tombstone | undefined {
    const tombstone = this.#byId.get(instanceId);
    return tombstone === undefined || tombstone.untilMs <= nowMs ? undefined : tombstone;
  }
}

/**
 * The operator states by instance id. A state stays until an operator resets it, even if its instance is gone: an
 * instance that was taken out of service must not return to service because it was away for a while. At most `limit`
 * states are kept.
 */
export class OperatorStates {
  readonly #limit: number;
  readonly #byId = new Map<string, OperatorStateEntry>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(instanceId: string): boolean {
    return this.#byId.has(instanceId);
  }

  stateOf(instanceId: string): OperatorState {
    return this.#byId.get(instanceId)?.state ?? 'none';
  }

  /**
   * Returns whether anything changed.
   *
   * @throws LimitReached if one more state is too many.
   */
  set(instanceId: string, { state, reason }: OperatorStateChange, nowMs: number): boolean {
    const present = this.#byId.get(instanceId);
    if (state === 'none') return this.#byId.delete(instanceId);
    if (present?.state === state && present.reason === reason) return false;
    if (present === undefined && this.#byId.size >= this.#limit) throw new LimitReached('cordoned', this.#limit);
    this.#byId.set(instanceId, { instanceId, state, reason, setTimeMs: nowMs });
    return true;
  }

  /** All operator states, in the order of instance ids. */
  list(): readonly OperatorStateEntry[] {
    return [...this.#byId.values()].sort((one, other) => (one.instanceId < other.instanceId ? -1 : 1));
  }
}

/**
 * The last refused registration of each instance id that is held, for lists. An id that becomes free is forgotten, so
 * there are never more than instances.
 */
export class RecentRefusals {
  readonly #byId = new Map<string, RefusedRegistration & { readonly untilMs: number }>();

  /** Whether there is none. */
  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  note(instanceId: string, refused: RefusedRegistration, untilMs: number): void {
    this.#byId.set(instanceId, { ...refused, untilMs });
  }

  /** The last refused registration, if it is recent. */
  of(instanceId: string, nowMs: number): RefusedRegistration | undefined {
    const last = this.#byId.get(instanceId);
    if (last === undefined) return undefined;
    const { untilMs, ...refused } = last;
    if (untilMs > nowMs) return refused;
    this.#byId.delete(instanceId);
    return undefined;
  }

  forget(instanceId: string): void {
    this.#byId.delete(instanceId);
  }
}
