/** What an incarnation said last, and until when a word of it may still be on its way. */
interface Goodbye {
  readonly incarnation: bigint;
  readonly sequence: bigint;
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

  /** The lease that had ended before the registration with this number came; undefined where it wasn't overtaken. */
  leaseBefore(instanceId: string, said: { incarnation: bigint; sequence: bigint; nowMs: number }): string | undefined {
    const goodbye = this.#byId.get(instanceId);
    if (goodbye === undefined || goodbye.untilMs <= said.nowMs || goodbye.incarnation !== said.incarnation) {
      return undefined;
    }
    return said.sequence > 0n && said.sequence < goodbye.sequence ? goodbye.leaseId : undefined;
  }
}
