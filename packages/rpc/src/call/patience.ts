import { type Clock, systemClock } from '../clock/index.js';
import { currentScope } from './scope.js';

/** How whoever serves a call bears that something it needs is away for a while. */
export interface Patience {
  /** How long it can wait and still answer in time, in milliseconds from now. */
  readonly forMs: number;
  /** Whether what may have taken effect already can be done once more, as the contract says that the call may be. */
  readonly repeat: boolean;
}

/** What a call that has no deadline waits at the longest. Milliseconds. */
const LONGEST_MS = 10_000;
/** An answer that says why has to arrive before the caller stops waiting. Milliseconds. */
const ANSWER_MS = 250;

/** What binds the work that is done for a call. */
export interface CallBounds {
  /** Aborts once nobody waits for the answer any more: the caller has left, or its deadline has passed. */
  readonly signal: AbortSignal | undefined;
  readonly patience: Patience | undefined;
}

/** The bounds of the call being served here, such as a statement takes them; there are none where none is served. */
export function currentBounds(): CallBounds {
  return { signal: currentScope()?.signal, patience: currentPatience() };
}

/** The patience of the call being served here; undefined where none is. */
export function currentPatience(clock: Clock = systemClock): Patience | undefined {
  const scope = currentScope();
  if (scope === undefined) return undefined;
  const { limit, method } = scope;
  const leftMs = limit.endsAt === undefined ? LONGEST_MS : limit.endsAt - clock.now() - ANSWER_MS;
  return { forMs: Math.min(LONGEST_MS, Math.max(0, leftMs)), repeat: method.policy.idempotency !== 'unknown' };
}
