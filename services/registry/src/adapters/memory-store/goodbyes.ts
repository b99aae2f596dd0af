import type { Admitted } from '../../domain/admission.js';

/** What an incarnation said last, and until when a word of it may still be on its way. */
interface Goodbye extends Admitted {
  readonly leaseId: string;
  readonly untilMs: number;
}

/**
 * What those said that said goodbye, so that a registration of theirs that was overtaken on its way brings nobody back.
 * Each is remembered for one of its TTLs, and of all the latest `capacity`.
 */
export class Goodbyes {
  readonly #capacity: number;
  readonly #byId = new Map<string, Goodbye>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(instanceId: string, goodbye: Goodbye, nowMs: number): void {
    this.#byId.delete(instanceId);
    if (goodbye.sequence > 0n) this.#byId.set(instanceId, goodbye);
    for (const [oldest, { untilMs }] of this.#byId) {
      if (this.#byId.size <= this.#capacity && untilMs > nowMs) return;
      this.#byId.delete(oldest);
    }
  }

  /** What was said last under an instance id, where it is remembered. */
  of(instanceId: string, nowMs: number): Goodbye | undefined {
    const goodbye = this.#byId.get(instanceId);
    return goodbye === undefined || goodbye.untilMs <= nowMs ? undefined : goodbye;
  }
}
