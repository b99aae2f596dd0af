import { backoffMs, createSweep } from '@rondo/base';
import type { Database } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Clock, Random, Timer } from '@rondo/rpc/clock';
import { inSpan } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Attempt, Claimed, Wanted } from './attempt.js';
import { codeOf, InstanceEnded, isBroken, isUnseen, type StoredCaller, storedCaller } from './caller.js';
import type { StoredMethod } from './contract.js';
import type { JobMeter } from './metrics.js';
import { beat, HEARTBEAT_MS } from './owners.js';
import { Quarantine, type Suspected } from './quarantine.js';
import { type claimJobs, doubtJob, errorText, failJob, releaseJobs, renewJobs, settleJobs } from './store.js';

const MAX_SETTLED = 500;
/** How long an attempt waits after one that reached no instance. */
export const AWAY_MS = { baseMs: 200, maxMs: 5_000 };
/** How soon a worker looks for suspects again if one waits. */
const SUSPECTS_MS = 100;

/** What is told of stored calls. */
export interface Words {
  /** Such as `job`. */
  readonly noun: string;
  /** What an operator does about one that has failed. */
  readonly remedy: string;
}

/** What a {@link Worker} needs. */
export interface WorkerOptions {
  readonly database: Database;
  /** The methods of stored calls, by name. */
  readonly methods: () => ReadonlyMap<string, StoredMethod>;
  readonly claim: typeof claimJobs;
  /** How many calls of a method the process makes at once. */
  readonly mostAtOnce: number;
  /** The idempotency key of a call. */
  readonly keyOf: (attempt: Attempt) => string;
  /** What a handler gets beside it. */
  readonly metadataOf?: (attempt: Attempt) => Readonly<Record<string, string>>;
  /** Whether an operator's retry of what has failed for good has a key of its own, as the outcome of the first is stored. */
  readonly retriesAnew: boolean;
  /** Whether an attempt that an instance turned away as unavailable counts. */
  readonly countsAway: boolean;
  readonly words: Words;
  readonly channel: Channel;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: JobMeter;
  /** There may be more to claim. */
  readonly onFree: () => void;
}

interface Running {
  readonly attempt: Attempt;
  readonly job: StoredMethod;
  readonly control: AbortController;
  /** Its instance, if it is a suspect. */
  readonly instance: string | undefined;
  /** Whether it is stored that its instance may have ended. */
  doubted: boolean;
}

/** How often in a row a method reached no instance, and until when it rests. */
interface Away {
  readonly times: number;
  readonly until: number;
}

/** Makes the stored calls of one process. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #caller: StoredCaller;
  readonly #quarantine: Quarantine;
  readonly #away = new Map<string, Away>();
  readonly #running = new Set<Running>();
  readonly #done: Attempt[] = [];
  #settling: Promise<void> | undefined;
  #claims = 0;
  readonly #id: string;
  readonly #heartbeats: ReturnType<typeof createSweep>;
  #beatAt = -Infinity;
  /** When it looks for suspects: after a heartbeat that saw one, or once it knows of one itself. */
  #looksAt = Infinity;
  #look: Timer | undefined;
  #looking: Promise<void> | undefined;
  #closing = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#caller = storedCaller(options);
    this.#id = `w${options.random.hex(8)}`;
    this.#quarantine = new Quarantine(options.database, this.#id);
    const { clock, log, words } = options;
    const round = (signal: AbortSignal) => this.#beat(signal).then(() => false);
    this.#heartbeats = createSweep({
      intervalMs: HEARTBEAT_MS.every,
      clock,
      log,
      name: `${words.noun} heartbeat`,
      round,
    });
  }

  /** Claims jobs as far as there is room, and begins them. Resolves to whether there may be more. */
  async claim(signal: AbortSignal): Promise<boolean> {
    this.#heartbeats.start();
    if (this.#isStale()) return false; // others would free at once what it claims
    // Others don't wait for it. If it fails, the next look tries again.
    this.#looking ??= this.#claimSuspect(signal)
      .catch(() => undefined)
      .finally(() => {
        this.#looking = undefined;
      });
    const wanted = this.#wanted();
    if (wanted.length === 0 || this.#closing) return false;
    const { database, claim } = this.#options;
    const claimed: Claimed = await claim(database, { wanted, claim: this.#nextClaim() }, { signal });
    for (const attempt of claimed.attempts) this.#begin(attempt);
    return claimed.more;
  }

  /** Cancels the attempts, and gives their jobs to other replicas. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#heartbeats.close();
    await this.#looking;
    this.#look?.cancel();
    const held = [...this.#running];
    for (const { control } of held) control.abort(new Error('the process stops'));
    await this.#settling;
    await this.#settle();
    await releaseJobs(
      this.#options.database,
      held.map(({ attempt }) => attempt),
    ).catch(() => undefined); // others take them once its heartbeats are missing
    await this.#quarantine.release().catch(() => undefined);
  }

  #nextClaim(): string {
    this.#claims += 1;
    return `${this.#id}-${this.#claims}`;
  }

  /** Begins a suspect if one is due and none runs. */
  async #claimSuspect(signal: AbortSignal): Promise<void> {
    const { clock, methods, onFree } = this.#options;
    if (this.#closing || clock.now() < this.#looksAt || [...this.#running].some(({ instance }) => instance)) return;
    this.#looksAt = Infinity;
    const suspected = [...methods().values()].flatMap((job): Suspected[] => {
      const instance = this.#caller.instanceForSuspects(job);
      if (instance === undefined) return [];
      const answers = () => this.#caller.answers(job, instance);
      return [{ method: job.name, instance, maxRunning: job.maxRunning ?? null, answers }];
    });
    const found = await this.#quarantine.claim(suspected, this.#nextClaim(), { signal });
    if (found === 'waits') {
      this.#looksAt = clock.now() + SUSPECTS_MS;
      this.#look?.cancel();
      this.#look = clock.setTimer(SUSPECTS_MS, onFree, { keepAlive: false });
    } else if (found !== undefined) this.#begin(found.attempt, found.instance);
  }

  #wanted(): readonly Wanted[] {
    const { methods, mostAtOnce, clock } = this.#options;
    return [...methods().values()].flatMap(({ name, maxRunning }) => {
      const here = [...this.#running].filter(
        ({ job, control }) => job.name === name && !this.#caller.isStuck(job, control.signal),
      ).length;
      const { times = 0, until = 0 } = this.#away.get(name) ?? {};
      const bound = times < mostAtOnce ? Math.min(maxRunning ?? mostAtOnce, mostAtOnce) : Number(clock.now() >= until);
      const most = bound - here;
      return most > 0 ? [{ method: name, most, maxRunning: maxRunning ?? null }] : [];
    });
  }

  #begin(attempt: Attempt, instance?: string): void {
    const job = this.#options.methods().get(attempt.method);
    if (job === undefined) return;
    const running = { attempt, job, control: new AbortController(), instance, doubted: false };
    this.#running.add(running);
    void this.#run(running).finally(() => {
      this.#running.delete(running);
      if (instance !== undefined) this.#looksAt = -Infinity;
      if (!this.#closing) this.#options.onFree();
    });
  }

  async #run(running: Running): Promise<void> {
    const { attempt, job, control } = running;
    const { meter, words } = this.#options;
    const ended =
      attempt.ends > 1 ? 'each of two attempts' : attempt.attempts > job.maxAttempts + 1 && 'the last attempt';
    if (ended) {
      await this.#fail(running, new Error(`its process ended during ${ended}`), true);
      return;
    }
    const attributes = {
      [`rondo.${words.noun}.id`]: String(attempt.id),
      [`rondo.${words.noun}.attempt`]: attempt.attempts,
    };
    const span = { name: `${words.noun} ${job.name}`, attributes, linkTo: attempt.traceparent };
    try {
      await inSpan(span, () => this.#call(running));
      meter.ended(job.name, 'OK');
      this.#away.delete(job.name);
      this.#done.push(attempt);
      await this.#settle();
    } catch (error) {
      if (control.signal.aborted) return;
      if (isAway(error) && (!this.#options.countsAway || isUnseen(error))) await this.#wait(running, error);
      else {
        this.#away.delete(job.name);
        await this.#fail(running, error, isFinal(job, error));
      }
    }
  }

  /** Makes a stored call: with a key of its own, so that it takes effect once. */
  async #call(running: Running): Promise<unknown> {
    const { attempt, job, control, instance } = running;
    const { signal } = control;
    const { keyOf, metadataOf } = this.#options;
    const { key } = job.method.policy;
    const own = key?.source.from === 'metadata' ? { [key.source.key]: keyOf(attempt) } : {};
    const metadata = { ...own, ...metadataOf?.(attempt) };
    const avoids = instance === undefined ? attempt.avoids : null;
    const onDoubt = () => this.#doubt(running);
    return await this.#caller.call(job, attempt.request, { signal, metadata, instance, avoids, onDoubt });
  }

  /** Stores that the instance of a call may have ended, or stands still. If it can't be stored, only the end of this process would hide that. */
  async #doubt(running: Running): Promise<void> {
    if (running.doubted) return;
    running.doubted = true;
    await doubtJob(this.#options.database, running.attempt).catch(() => undefined);
  }

  /** Gives back what no instance took. After several in a row, the method rests, and one call at a time finds out whether it is back. */
  async #wait({ attempt, job }: Running, refused: RpcError): Promise<void> {
    const { codeName, retryPushbackMs = 0 } = refused;
    const { database, clock, random, meter } = this.#options;
    const times = (this.#away.get(job.name)?.times ?? 0) + 1;
    const waitMs = Math.max(retryPushbackMs, backoffMs(Math.min(times, 10), { ...AWAY_MS, random, jitter: 'equal' }));
    this.#away.set(job.name, { times, until: clock.now() + waitMs });
    meter.ended(job.name, codeName);
    const release = { waitMs, refusal: errorText(refused) };
    await releaseJobs(database, [attempt], release).catch(() => undefined); // or a heartbeat frees it
  }

  async #fail({ attempt, job }: Running, fault: unknown, final: boolean): Promise<void> {
    const { database, log, random, meter, words, retriesAnew } = this.#options;
    const ended = fault instanceof InstanceEnded || attempt.ends > 1;
    const failed = final || isLast(job, attempt.attempts, fault) || (ended && attempt.ends > 0);
    meter.ended(job.name, codeOf(fault));
    const fields = {
      err: fault,
      [words.noun]: String(attempt.id),
      method: job.name,
      key: attempt.key,
      attempt: attempt.attempts,
    };
    if (failed) log.error(fields, `${words.noun} ${attempt.id} has failed: ${words.remedy}`);
    else if (ended) log.warn(fields, `an instance ended during ${words.noun} ${attempt.id}, which is now called alone`);
    else log.debug(fields, `an attempt failed; it is repeated`);
    const error = errorText(fault);
    const wait = ended ? 0 : backoffMs(attempt.attempts - 1, { ...job.backoff, random, jitter: 'equal' });
    const anew = retriesAnew && isFinal(job, fault);
    const failure = { error, failed, backoffMs: wait, anew, staysInLane: job.stopsKey === true, ended };
    await failJob(database, attempt, failure).catch(() => undefined); // or a heartbeat frees it
    if (ended) this.#looksAt = -Infinity;
  }

  /**
   * Removes what has succeeded, many at a time, or one at a time if another session locks one of them. What can't be removed is called again
   * with its key, and has no further effect.
   */
  #settle(): Promise<void> {
    this.#settling ??= (async () => {
      while (this.#done.length > 0) {
        const batch = this.#done.splice(0, MAX_SETTLED);
        const settle = (attempts: readonly Attempt[]) => settleJobs(this.#options.database, attempts);
        await settle(batch).catch(() => Promise.allSettled(batch.map((attempt) => settle([attempt]))));
      }
    })().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  /** Whether the last heartbeat is so old that others may soon take this worker for ended. */
  #isStale = () => this.#options.clock.now() - this.#beatAt > HEARTBEAT_MS.dead / 2;

  /** Stores a heartbeat, and cancels the attempts at jobs that were discarded, replaced or taken over. */
  async #beat(signal: AbortSignal): Promise<void> {
    const { clock, database, onFree } = this.#options;
    const [beganAt, wasStale, held] = [clock.now(), this.#isStale(), [...this.#running]];
    const attempts = held.map(({ attempt }) => attempt);
    const suspects = await beat(database, { id: this.#id, held: attempts }, { signal });
    this.#beatAt = beganAt;
    if (suspects) this.#looksAt = Math.min(this.#looksAt, beganAt);
    if (suspects || wasStale) onFree();
    const stuck = held.filter(({ job, control }) => this.#caller.isStuck(job, control.signal));
    await Promise.all(stuck.map((running) => this.#doubt(running)));
    const lost = attempts.length === 0 ? [] : await renewJobs(database, attempts);
    for (const { attempt, control } of held)
      if (lost.includes(attempt)) control.abort(new Error('the job is no longer that of this process'));
  }
}

/** Whether no instance took the call: none was reached, or one has too many and says when to call again. */
export const isAway = (error: unknown): error is RpcError =>
  error instanceof RpcError &&
  ((error.code === Status.UNAVAILABLE && !isBroken(error)) ||
    (error.code === Status.RESOURCE_EXHAUSTED && (error.retryPushbackMs ?? -1) >= 0));

/** Whether the error is the outcome of the call for good, as its contract says. */
export const isFinal = ({ method }: Pick<StoredMethod, 'method'>, error: unknown): boolean =>
  error instanceof RpcError && method.policy.key?.finalCodes.has(error.code) === true;

/**
 * Whether no further attempt is made. If it isn't known what became of the last one, because its time ran out, its connection broke or its process ended, one more
 * learns that by the key.
 */
export const isLast = ({ maxAttempts }: Pick<StoredMethod, 'maxAttempts'>, attempts: number, error: unknown): boolean =>
  attempts > maxAttempts || (attempts === maxAttempts && !isUnknown(error));

const isUnknown = (error: unknown): boolean =>
  error instanceof InstanceEnded ||
  (error instanceof RpcError && (error.code === Status.DEADLINE_EXCEEDED || isBroken(error)));
