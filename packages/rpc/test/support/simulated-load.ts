import { seededRandom } from '@rondo/base/testing';
import type { Priority } from '../../src/contract/priority.js';
import { LatencyLimit } from '../../src/server/admission/latency-limit.js';
import { Timeline } from './timeline.js';

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
  const events = new Timeline();
  const server = { inFlight: 0, aside: 0, limited: 0 };
  const pool = new Pool(events, permits);
  const untilMs = seconds * 1_000;
  const simulated = Object.entries(methods).map(([name, method]) => {
    const { priority = 'normal', rate, callers = 0, workMs, pooled = false } = method;
    const limit = new LatencyLimit(priority, server);
    const calls: SimulatedCalls = { answered: [], refused: [], late: [], mostInFlight: 0 };
    const own = pooled ? pool : new Pool(events, Number.POSITIVE_INFINITY);

    function call(done: (refused: boolean) => void = () => undefined): void {
      const at = events.now();
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
        limit.end(Math.round((events.now() - at) * 1_000), events.now(), answered);
        if (answered) calls.answered.push({ at, tookMs: events.now() - at });
        else calls.late.push(at);
        done(false);
      };
      own.take(
        () => (ended ? undefined : workMs(events.now(), random.next())),
        () => end(true),
      );
      events.at(at + deadlineMs, () => end(false));
    }

    const arrive = () => {
      const perSecond = rate?.(events.now()) ?? 0;
      if (perSecond > 0) call();
      const waitMs = perSecond > 0 ? (-Math.log(1 - random.next()) * 1_000) / perSecond : 1;
      if (events.now() + waitMs < untilMs) events.at(events.now() + waitMs, arrive);
    };
    const callAgain = () => {
      if (events.now() < untilMs) call((refused) => events.at(events.now() + (refused ? 100 : 0), callAgain));
    };
    if (rate !== undefined) events.at(0, arrive);
    for (let caller = 0; caller < callers; caller += 1) events.at(0, callAgain);
    return [name, calls];
  });
  events.runOut();
  // Each key has the calls of its method; the compiler can't infer that.
  return Object.fromEntries(simulated) as { readonly [K in keyof M]: SimulatedCalls };
}

/** Permits, given in the order in which they are asked for. */
class Pool {
  readonly #events: Timeline;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(events: Timeline, permits: number) {
    this.#events = events;
    this.#free = permits;
  }

  /** Works with a permit for as long as `workMs` then says, and not at all if it says undefined. */
  take(workMs: () => number | undefined, done: () => void): void {
    const start = () => {
      const ms = workMs();
      if (ms === undefined) return;
      this.#free -= 1;
      this.#events.at(this.#events.now() + ms, () => {
        this.#free += 1;
        done();
        while (this.#free > 0 && this.#waiting.length > 0) this.#waiting.shift()?.();
      });
    };
    if (this.#free > 0) start();
    else this.#waiting.push(start);
  }
}
