import type { Priority } from '../../src/contract/priority.js';
import { LatencyLimit } from '../../src/server/admission/latency-limit.js';
import { seededRandom } from '../../src/testing/seeded-random.js';

/** The calls of one method of a simulated server. */
export interface SimulatedMethod {
  readonly priority?: Exclude<Priority, 'critical'>;
  /** Calls a second at a time in milliseconds. They arrive at random, and don't wait for each other. */
  readonly rate?: (ms: number) => number;
  /** So many callers, each of which calls again when it has its answer; a refused one after 100 ms. */
  readonly callers?: number;
  /** How long its handler works, once it has a permit. `random` is from 0 to 1. Milliseconds. */
  readonly workMs: (ms: number, random: number) => number;
  /** Whether its handler needs one of the server's permits. */
  readonly pooled?: boolean;
}

/** What became of the calls of one method: the time at which each began. */
export interface SimulatedCalls {
  readonly answered: { readonly at: number; readonly tookMs: number }[];
  readonly refused: number[];
  readonly late: number[];
  mostInFlight: number;
}

/** How a server is simulated. */
interface SimulationOptions {
  readonly seconds: number;
  readonly permits?: number;
  /** A call that has no answer after so long has failed. It leaves the queue. Milliseconds. */
  readonly deadlineMs?: number;
  /** Whether calls are limited. True by default. */
  readonly limited?: boolean;
  readonly seed?: number;
}

/** Simulates a server whose handlers share permits: events in the order of their times, and no clock. */
export function simulate<M extends Record<string, SimulatedMethod>>(
  methods: M,
  { seconds, permits = 20, deadlineMs = 1_000, limited = true, seed = 1 }: SimulationOptions,
): { readonly [K in keyof M]: SimulatedCalls } {
  const random = seededRandom(seed);
  const events = new Events();
  const server = { inFlight: 0, limited: 0 };
  const pool = new Pool(events, permits);
  const untilMs = seconds * 1_000;
  const simulated = Object.entries(methods).map(([name, method]) => {
    const { priority = 'normal', rate, callers = 0, workMs, pooled = false } = method;
    const limit = new LatencyLimit(priority, server);
    const calls: SimulatedCalls = { answered: [], refused: [], late: [], mostInFlight: 0 };
    const own = pooled ? pool : new Pool(events, Number.POSITIVE_INFINITY);

    function call(done: (refused: boolean) => void = () => undefined): void {
      const at = events.now;
      if (limited && !limit.admits(at)) {
        calls.refused.push(at);
        done(true);
        return;
      }
      limit.begin(at);
      server.inFlight += 1;
      calls.mostInFlight = Math.max(calls.mostInFlight, limit.inFlight);
      let ended = false;
      const end = (answered: boolean) => {
        if (ended) return;
        ended = true;
        server.inFlight -= 1;
        limit.end(Math.round((events.now - at) * 1_000), events.now, answered);
        if (answered) calls.answered.push({ at, tookMs: events.now - at });
        else calls.late.push(at);
        done(false);
      };
      own.take(
        () => (ended ? undefined : workMs(events.now, random.next())),
        () => end(true),
      );
      events.add(at + deadlineMs, () => end(false));
    }

    const arrive = () => {
      const perSecond = rate?.(events.now) ?? 0;
      if (perSecond > 0) call();
      const waitMs = perSecond > 0 ? (-Math.log(1 - random.next()) * 1_000) / perSecond : 1;
      if (events.now + waitMs < untilMs) events.add(events.now + waitMs, arrive);
    };
    const callAgain = () => {
      if (events.now < untilMs) call((refused) => events.add(events.now + (refused ? 100 : 0), callAgain));
    };
    if (rate !== undefined) events.add(0, arrive);
    for (let caller = 0; caller < callers; caller += 1) events.add(0, callAgain);
    return [name, calls];
  });
  events.run();
  // Each key has the calls of its method; the compiler can't infer that.
  return Object.fromEntries(simulated) as { readonly [K in keyof M]: SimulatedCalls };
}

/** Permits, given in the order in which they are asked for. */
class Pool {
  readonly #events: Events;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(events: Events, permits: number) {
    this.#events = events;
    this.#free = permits;
  }

  /** Works with a permit for as long as `workMs` then says, and not at all if it says undefined. */
  take(workMs: () => number | undefined, done: () => void): void {
    const start = () => {
      const ms = workMs();
      if (ms === undefined) return;
      this.#free -= 1;
      this.#events.add(this.#events.now + ms, () => {
        this.#free += 1;
        done();
        while (this.#free > 0 && this.#waiting.length > 0) this.#waiting.shift()?.();
      });
    };
    if (this.#free > 0) start();
    else this.#waiting.push(start);
  }
}

/** Callbacks by the times at which they run: a binary heap. */
class Events {
  now = 0;
  readonly #heap: { readonly at: number; readonly run: () => void }[] = [];

  add(at: number, run: () => void): void {
    const heap = this.#heap;
    let place = heap.push({ at, run }) - 1;
    for (let parent = (place - 1) >> 1; place > 0 && this.#at(parent) > at; parent = (place - 1) >> 1) {
      this.#swap(place, parent);
      place = parent;
    }
  }

  run(): void {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      this.now = next.at;
      next.run();
    }
  }

  #take() {
    const heap = this.#heap;
    this.#swap(0, heap.length - 1);
    const first = heap.pop();
    for (let place = 0; ; ) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      const child = this.#at(right) < this.#at(left) ? right : left;
      if (!(this.#at(child) < this.#at(place))) return first;
      this.#swap(place, child);
      place = child;
    }
  }

  #at(place: number): number {
    return this.#heap[place]?.at ?? Number.POSITIVE_INFINITY;
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}
