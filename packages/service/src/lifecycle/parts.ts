import { withTimeout } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, createBackoff, type Random } from '@rondo/rpc/clock';
import type { Part } from '@rondo/rpc/server';
import { createPause } from '../pause.js';
import { StartupError } from './startup-error.js';

/** What to run, and whom to notify. */
interface RunOptions {
  /** In the order of their start. */
  readonly parts: readonly Part[];
  /** Receives the names of the parts that aren't available: once at the start, then at each change. */
  readonly onChange: (away: readonly string[]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The parts of a process that runs. */
interface RunningParts {
  /** Resolves when all parts have started; rejects with a StartupError if one has a fault at its start that no later try can remove. */
  readonly started: Promise<void>;
  /** Ends the starts and the checks; resolves once none is running. */
  stopChecks(): Promise<void>;
}

/** Timeout of one check. */
const CHECK_TIMEOUT_MS = 3_000;
/** Interval between checks of an available part. */
const RECHECK_MS = 5_000;
/**
 * How many failed checks in a row make a part unavailable. After a single failure, which may be chance, calls
 * aren't refused yet.
 */
const FAILURES_UNTIL_AWAY = 2;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;
/** Interval between log lines about a part that is still unavailable, or still prepared. */
const REMINDER_MS = 30_000;

/**
 * Starts the parts of a process one after the other, each with backoff until it is available, and checks them every few seconds from then
 * on. It logs one line per change, and a reminder every half minute.
 */
export function runParts(options: RunOptions): RunningParts {
  const { parts, onChange } = options;
  const awaited = parts.filter(({ start, check }) => start !== undefined || check !== undefined);
  const schema = parts.flatMap((part) => part.schema ?? []);
  const away = new Set(awaited);
  const report = () => onChange([...away].map(({ name }) => name));
  report();
  const ending = new AbortController();
  const { signal } = ending;
  const watches: Promise<void>[] = [];
  const startAll = async () => {
    for (const part of awaited) {
      const setAway = (isAway: boolean) => {
        if (isAway) away.add(part);
        else away.delete(part);
        report();
      };
      await new Promise<void>((onStarted, onHopeless) => {
        watches.push(watchPart(part, { ...options, schema, setAway, onStarted, signal }).then(onStarted, onHopeless));
      });
      if (signal.aborted) return;
    }
  };
  const started = startAll();
  started.catch(() => undefined); // the process may have ended by then
  const stopChecks = async () => {
    ending.abort();
    await Promise.all(watches);
  };
  return { started, stopChecks };
}

interface WatchOptions extends RunOptions {
  readonly schema: NonNullable<Part['schema']>;
  readonly signal: AbortSignal;
  readonly setAway: (away: boolean) => void;
  readonly onStarted: () => void;
}

/** Starts a part and checks it until the signal aborts. @throws StartupError if it can never start. */
async function watchPart(part: Part, options: WatchOptions): Promise<void> {
  const { clock, random, signal, onStarted } = options;
  const pause = createPause(clock);
  signal.addEventListener('abort', pause.wake, { once: true });
  const backoff = createBackoff({ baseMs: RETRY_BASE_MS, maxMs: RETRY_MAX_MS, random });
  const tracker = createTracker(part, options);
  let started = false;
  const tryOnce = async () => {
    if (!started) await start(part, options);
    started = true;
    await withTimeout(async (ending) => part.check?.({ signal: ending }), {
      clock,
      timeoutMs: CHECK_TIMEOUT_MS,
      signal,
    });
  };
  while (!signal.aborted) {
    const failure = await failureOf(tryOnce());
    if (signal.aborted) return;
    const remedy = tracker.seen ? undefined : remedyOfHopeless(failure);
    if (remedy !== undefined)
      throw new StartupError(`${part.name}: ${messageOf(failure)}${remedy}`, { cause: failure });
    const delayMs = nextDelayMs(failure, { tracker, backoff });
    if (tracker.seen) onStarted();
    if (tracker.seen && part.check === undefined) return;
    await pause.wait(delayMs);
  }
}

function nextDelayMs(
  failure: unknown,
  { tracker, backoff }: { tracker: Tracker; backoff: ReturnType<typeof createBackoff> },
): number {
  if (failure === undefined) {
    tracker.succeeded();
    backoff.reset();
    return RECHECK_MS;
  }
  tracker.failed(failure);
  return backoff.nextMs();
}

/** Starts a part, and logs at intervals that it isn't done. Rejects at once if the signal aborts. */
async function start(part: Part, { schema, signal, clock, log }: WatchOptions): Promise<void> {
  const { name } = part;
  const remind = () => {
    log.info({ dependency: name }, `${name} is still being prepared`);
    reminder = clock.setTimer(REMINDER_MS, remind);
  };
  let reminder = clock.setTimer(REMINDER_MS, remind);
  try {
    await withTimeout(async (ending) => part.start?.({ signal: ending, schema }), { clock, signal });
  } finally {
    reminder.cancel();
  }
}

/** Undefined if `attempt` resolves; otherwise the reason of the failure. */
async function failureOf(attempt: Promise<void>): Promise<unknown> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    return error ?? new Error('the check failed without a reason');
  }
}

/** By the beginning of PostgreSQL's SQLSTATE: it refuses the role or the password, has no such database, or lacks what a statement names. */
const REFUSED: readonly (readonly [sqlState: RegExp, remedy: string])[] = [
  [/^28/, '; correct the user or the password in DATABASE_URL'],
  [/^3D/, '; create it, or name another one in DATABASE_URL'],
  [/^42/, ''],
];

/** What to do if no later try can succeed: an error that says so of itself, or one of PostgreSQL's. Undefined if one can. */
function remedyOfHopeless(reason: unknown): string | undefined {
  if (typeof reason !== 'object' || reason === null) return undefined;
  if ('neverPasses' in reason) return reason.neverPasses === true ? '' : undefined;
  const sqlState = 'severity' in reason && 'code' in reason ? String(reason.code) : '';
  return REFUSED.find(([sign]) => sign.test(sqlState))?.[1];
}

/** Turns the results of checks into changes of state, and reports each change once. */
interface Tracker {
  /** Whether the part has been available. */
  readonly seen: boolean;
  succeeded(): void;
  failed(reason: unknown): void;
}

function createTracker({ name, graceMs = 0, check }: Part, { clock, log, setAway }: WatchOptions): Tracker {
  let state: 'unknown' | 'available' | 'unavailable' = 'unknown';
  let seen = false;
  let failures = 0;
  let failedSince = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;
  const remind = (reason: unknown) => {
    if (clock.now() - loggedAt < REMINDER_MS) return;
    loggedAt = clock.now();
    log.warn({ dependency: name }, `waiting for ${name}: ${messageOf(reason)}; trying again`);
  };
  return {
    get seen() {
      return seen;
    },
    succeeded() {
      failures = 0;
      if (state === 'available') return;
      if (check !== undefined) log.info({ dependency: name }, `${name} is ${seen ? 'back' : 'there'}`);
      seen = true;
      state = 'available';
      loggedAt = Number.NEGATIVE_INFINITY;
      setAway(false);
    },
    failed(reason) {
      if (failures === 0) failedSince = clock.now();
      failures += 1;
      if (state === 'available' && (failures < FAILURES_UNTIL_AWAY || clock.now() - failedSince < graceMs)) return;
      remind(reason);
      if (state === 'available') setAway(true);
      state = 'unavailable';
    },
  };
}

function messageOf(reason: unknown): string {
  // Node's error for a name with several addresses has an empty message.
  if (reason instanceof AggregateError && reason.message === '') return reason.errors.map(messageOf).join(', ');
  return reason instanceof Error ? reason.message : String(reason);
}
