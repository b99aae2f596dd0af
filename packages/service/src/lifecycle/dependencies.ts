import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random } from '@rondo/rpc/clock';
import { type Backoff, createBackoff, createPause, type TimeoutOptions, withTimeout } from '../time.js';

/** Something that a service can't serve without: its own database, say, never another service. */
export interface Dependency {
  /** As it stands in a sentence, with its address: `the database at db:5432`. No password in it. */
  readonly name: string;
  /**
   * Resolves when it answers, rejects with the reason when it doesn't. It is called for as long as the service runs:
   * within 3 s each time, and within 60 s until it first succeeds, so that it may prepare what it checks before that.
   */
  check(signal: AbortSignal): Promise<void>;
  /**
   * How long it may be away, once it was there, before callers are turned away: for one whose users wait until it is
   * back, as those of a database that is restarted. Milliseconds; by default the second failed check in a row counts.
   */
  readonly graceMs?: number;
}

/** How dependencies are watched. */
interface WatchOptions {
  readonly dependencies: readonly Dependency[];
  /** Told the names of those that are away: once at the start of the watch, then at each change. */
  readonly onChange: (away: readonly string[]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How long one check may take. */
const CHECK_TIMEOUT_MS = 3_000;
/** The same until the first that succeeds, as that one may have to prepare what it checks: migrations, say. */
const FIRST_CHECK_TIMEOUT_MS = 60_000;
/** How often what is there is checked again. */
const RECHECK_MS = 5_000;
/** One failed check may be chance, and would turn away every caller: so many in a row count. */
const FAILURES_UNTIL_AWAY = 2;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;
/** How often the log says that something is still away. */
const REMINDER_MS = 30_000;

/**
 * Checks each dependency until it answers, with backoff, and on from there every few seconds. The log has one line a
 * change, and a reminder now and then.
 *
 * @returns what ends the watch; it resolves once no check is under way.
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
  const done = (async () => {
    while (!stopped.signal.aborted) {
      const timeoutMs = tracker.seen ? CHECK_TIMEOUT_MS : FIRST_CHECK_TIMEOUT_MS;
      const failure = await tryOnce(dependency, { clock, timeoutMs, signal: stopped.signal });
      if (stopped.signal.aborted) return;
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

/** Undefined where the dependency answers; why not, where it doesn't. */
async function tryOnce(dependency: Dependency, limits: TimeoutOptions): Promise<unknown> {
  try {
    await withTimeout((signal) => dependency.check(signal), limits);
    return undefined;
  } catch (error) {
    return error ?? new Error('the check failed without a reason');
  }
}

/** Turns the outcomes of checks into changes, and says each once. */
interface Tracker {
  /** Whether it has ever answered. */
  readonly seen: boolean;
  succeeded(): void;
  failed(reason: unknown): void;
}

function createTracker({ name, graceMs = 0 }: Dependency, { clock, log, setAway }: WatchOneOptions): Tracker {
  let state: 'new' | 'there' | 'away' = 'new';
  let seen = false;
  let failures = 0;
  let failedSince = 0;
  let saidAt = Number.NEGATIVE_INFINITY;
  const say = (reason: unknown) => {
    if (clock.now() - saidAt < REMINDER_MS) return;
    saidAt = clock.now();
    log.warn({ dependency: name }, `waiting for ${name}: ${messageOf(reason)}; trying again`);
  };
  return {
    get seen() {
      return seen;
    },
    succeeded() {
      failures = 0;
      if (state === 'there') return;
      log.info({ dependency: name }, `${name} is ${seen ? 'back' : 'there'}`);
      seen = true;
      state = 'there';
      saidAt = Number.NEGATIVE_INFINITY;
      setAway(false);
    },
    failed(reason) {
      if (failures === 0) failedSince = clock.now();
      failures += 1;
      if (state === 'there' && (failures < FAILURES_UNTIL_AWAY || clock.now() - failedSince < graceMs)) return;
      say(reason);
      if (state === 'there') setAway(true);
      state = 'away';
    },
  };
}

function messageOf(reason: unknown): string {
  // Node's failure to connect to a name with several addresses says nothing itself.
  if (reason instanceof AggregateError && reason.message === '') return reason.errors.map(messageOf).join(', ');
  return reason instanceof Error ? reason.message : String(reason);
}
