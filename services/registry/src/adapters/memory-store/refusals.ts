import type { RefusedRegistration } from '../../domain/instance.js';

/**
 * The last registration that was refused of each instance id that is held, so that lists can tell of it. There are no more
 * than instances: one whose id is free is forgotten.
 */
export class Refusals {
  readonly #byId = new Map<string, RefusedRegistration & { readonly untilMs: number }>();

  /** Whether there is none at all. */
  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  note(instanceId: string, refused: RefusedRegistration, untilMs: number): void {
    this.#byId.set(instanceId, { ...refused, untilMs });
  }

  /** The last one, if it was of late. */
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
