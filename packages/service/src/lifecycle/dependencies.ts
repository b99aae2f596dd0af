import { createPause, withTimeout } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import { type Backoff, type Clock, createBackoff, type Random } from '@rondo/rpc/clock';
import { StartupError } from './startup-error.js';

/** Something that a service can't serve without, such as its own database. Another service is never a dependency. */
export interface Dependency {
  /** A noun phrase with the address, without a password: `the database at db:5432`. */
  readonly name: string;
  /**
   * Prepares the dependency before its first check, for example by migrations. It may take as long as it needs: only the
   * service's end aborts the signal. If it fails, it is tried again.
   */
  prepare?(signal: AbortSignal): Promise<void>;
  /**
   * Resolves if the dependency answers, and rejects with the reason if it doesn't. It is called for as long as the
   * service runs. Each check may take 3 s.
   */
  check(signal: AbortSignal): Promise<void>;
  /**
   * How long a dependency that was available may be unavailable before the service refuses calls, in milliseconds. Set
   * it if callers wait for its return, as for a restarting database. By default the service refuses calls from the
   * second failed check in a row.
   */
  readonly graceMs?: number;
}

/** What to watch, and whom to notify. */
interface WatchOptions {
  readonly dependencies: readonly Dependency[];
  /** Receives the names of the unavailable dependencies: once at the start of the watch, then at each change. */
  readonly onChange: (away: readonly string[]) => void;
  /** Receives a fault at the start that no later try can remove, after which the dependency isn't tried again. */
  readonly onHopeless: (error: StartupError) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Timeout of one check. */
const CHECK_TIMEOUT_MS = 3_000;
/** Interval between checks of an available dependency. */
const RECHECK_MS = 5_000;
/**
 * How many failed checks in a row make a dependency unavailable. After a single failure, which may be chance, calls
 * aren't refused yet.
 */
const FAILURES_UNTIL_AWAY = 2;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;
/** Interval between log lines about a dependency that is still unavailable, or still prepared. */
const REMINDER_MS = 30_000;

/**
 * Checks each dependency until it answers, with backoff, and every few seconds from then on. It logs one line per
 * change, and a reminder every half minute.
 *
 * @returns a function that ends the watch; its promise resolves once no check is running.
 */
export function watchDependencies(options: WatchOptions): () => Promise<void> {
  const { dependencies, onChange } = options;
  const away = new Set(dependencies.map(({ name }) => name));
  const report = () => onChange([...away]);
  const watches = dependencies.map((dependency) => {
    const setAway = (isAway: boolean) => {
      if (isAway) away.add(dependency.name);
      else away.delete(dependency.name);
      report();
    };
    return watchOne(dependency, { ...options, setAway });
  });
  report();
  return async () => {
    await Promise.all(watches.map((stop) => stop()));
  };
}

interface WatchOneOptions extends WatchOptions {
  readonly setAway: (away: boolean) => void;
}

function watchOne(dependency: Dependency, options: WatchOneOptions): () => Promise<void> {
  const { clock, random } = options;
  const stopped = new AbortController();
  const pause = createPause(clock);
  const backoff = createBackoff({ baseMs: RETRY_BASE_MS, maxMs: RETRY_MAX_MS, random });
  const tracker = createTracker(dependency, options);
  let prepared = false;
  const tryOnce = async (signal: AbortSignal) => {
    if (!prepared) await prepare(dependency, options, signal);
    prepared = true;
    await withTimeout((ending) => dependency.check(ending), { clock, timeoutMs: CHECK_TIMEOUT_MS, signal });
  };
  const done = (async () => {
    while (!stopped.signal.aborted) {
      const failure = await failureOf(tryOnce(stopped.signal));
      if (stopped.signal.aborted) return;
      if (!tracker.seen && isHopeless(failure)) {
        options.onHopeless(new StartupError(`${dependency.name}: ${messageOf(failure)}`, { cause: failure }));
        return;
      }
      await pause.wait(nextDelayMs(failure, { tracker, backoff }));
    }
  })();
  return async () => {
    stopped.abort();
    pause.wake();
    await done;
  };
}

function nextDelayMs(failure: unknown, { tracker, backoff }: { tracker: Tracker; backoff: Backoff }): number {
  if (failure === undefined) {
    tracker.succeeded();
    backoff.reset();
    return RECHECK_MS;
  }
  tracker.failed(failure);
  return backoff.nextMs();
}

/** Prepares a dependency, and logs at intervals that it is still preparing. Rejects at once if the signal aborts. */
async function prepare(dependency: Dependency, { clock, log }: WatchOptions, signal: AbortSignal): Promise<void> {
  const { name } = dependency;
  const remind = () => {
    log.info({ dependency: name }, `${name} is still being prepared`);
    reminder = clock.setTimer(REMINDER_MS, remind);
  };
  let reminder = clock.setTimer(REMINDER_MS, remind);
  try {
    await withTimeout(async (ending) => dependency.prepare?.(ending), { clock, signal });
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

/** PostgreSQL refuses the role or the password, has no such database, or lacks what a statement names. */
const REFUSED = /^(?:28|3D|42)/;

/** Whether no later try can succeed: an error that says so of itself, or one of PostgreSQL's. */
function isHopeless(reason: unknown): boolean {
  if (typeof reason !== 'object' || reason === null) return false;
  if ('neverPasses' in reason) return reason.neverPasses === true;
  return 'severity' in reason && 'code' in reason && REFUSED.test(String(reason.code));
}

/** Turns the results of checks into changes of state, and reports each change once. */
interface Tracker {
  /** Whether the dependency has been available. */
  readonly seen: boolean;
  succeeded(): void;
  failed(reason: unknown): void;
}

function createTracker({ name, graceMs = 0 }: Dependency, { clock, log, setAway }: WatchOneOptions): Tracker {
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
      log.info({ dependency: name }, `${name} is ${seen ? 'back' : 'there'}`);
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
