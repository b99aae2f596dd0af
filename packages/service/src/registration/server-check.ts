import { withTimeout } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { DRAINING, type MutableState, type Readiness, readinessOf } from '../state.js';

/** Resolves if a server can take calls, and rejects with the reason if it can't. */
export type ServerCheck = (options: { readonly signal: AbortSignal }) => Promise<void>;

/** What {@link followCheck} works with. */
export interface FollowOptions {
  readonly check: ServerCheck;
  /** Gets the outcome. */
  readonly readiness: MutableState<Readiness>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the checks. */
  readonly signal: AbortSignal;
}

const INTERVAL_MS = 1_000;
const TIMEOUT_MS = 1_000;
/** A single slow answer, or a single good one, changes nothing. */
const [FAILURES, SUCCESSES] = [3, 2];

/** Checks a server each second: two successes in a row make it ready, three failures in a row make it unready. */
export async function followCheck({ check, readiness, clock, log, signal }: FollowOptions): Promise<void> {
  let row = 0;
  let hasPassed: boolean | undefined;
  while (!signal.aborted) {
    const startedAt = clock.now();
    const fault = await faultOf(check, clock);
    const passes = fault === undefined;
    row = passes === hasPassed ? row + 1 : 1;
    hasPassed = passes;
    const { phase } = readiness.current;
    if (phase === DRAINING.phase) return;
    if (passes && row >= SUCCESSES && phase !== 'serving') {
      readiness.set(readinessOf([]));
      log.info({}, 'the server answers: it takes calls');
    }
    if (!passes && row === FAILURES && phase === 'serving') {
      readiness.set(readinessOf(['the server']));
      log.warn({ reason: fault }, 'the server fails its checks: it gets no calls until it answers');
    }
    await sleep(clock, Math.max(0, startedAt + INTERVAL_MS - clock.now()), signal).catch(() => undefined);
  }
}

async function faultOf(check: ServerCheck, clock: Clock): Promise<string | undefined> {
  try {
    await withTimeout((signal) => check({ signal }), { clock, timeoutMs: TIMEOUT_MS });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
