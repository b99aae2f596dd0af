/** An event for an instance. */
export interface Delivery {
  readonly topic: string;
  readonly instance: string;
  readonly event: Uint8Array;
  readonly call: (event: Uint8Array, options: { readonly instance: string }) => Promise<unknown>;
  /** The method and the key, of which the newest event waits; undefined if events of the topic don't wait. */
  readonly lane: string | undefined;
}

/** How many calls an instance has at once from a process. */
const MOST_IN_FLIGHT = 64;
/** How many events wait for an instance, and their bytes. */
const MOST_WAITING = { events: 1_000, bytes: 4 * 1024 * 1024 } as const;

/** The calls of an instance that are under way, and the newest event of each lane that waits. An instance that is slow delays no other. */
export class Outlet {
  #running = 0;
  readonly #busyLanes = new Set<string>();
  /** In the order in which their lanes began to wait. */
  readonly #waiting = new Map<string, Delivery>();
  #bytes = 0;

  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** Whether the event may be called now: an instance has one call of a lane at a time. If so, {@link end} follows. */
  begin({ lane }: Delivery): boolean {
    if (this.#running >= MOST_IN_FLIGHT || (lane !== undefined && this.#busyLanes.has(lane))) return false;
    this.#running += 1;
    if (lane !== undefined) this.#busyLanes.add(lane);
    return true;
  }

  /** A call has ended. Returns the event that begins in its place; undefined if none can. */
  end({ lane }: Delivery): Delivery | undefined {
    this.#running -= 1;
    if (lane !== undefined) this.#busyLanes.delete(lane);
    for (const [waits, next] of this.#waiting)
      if (this.begin(next)) {
        this.#remove(waits, next);
        return next;
      }
    return undefined;
  }

  /** Lets an event wait, in the place of an earlier one of its lane. Returns what is lost, as too much waits: the longest first. */
  wait(lane: string, newest: Delivery): { readonly hasReplaced: boolean; readonly lost: readonly Delivery[] } {
    const earlier = this.#waiting.get(lane);
    this.#bytes += newest.event.length - (earlier?.event.length ?? 0);
    this.#waiting.set(lane, newest);
    const lost: Delivery[] = [];
    for (const [waits, first] of this.#waiting) {
      if (this.#waiting.size <= MOST_WAITING.events && this.#bytes <= MOST_WAITING.bytes) break;
      this.#remove(waits, first);
      lost.push(first);
    }
    return { hasReplaced: earlier !== undefined, lost };
  }

  #remove(lane: string, { event }: Delivery): void {
    this.#waiting.delete(lane);
    this.#bytes -= event.length;
  }
}
