import { createSweep, type Settle } from '@rondo/base';
import type { RpcError } from '@rondo/rpc/status';
import { type Attempt, type Claimed, runsHere, type Wanted } from './attempt.js';
import { codeOf, isUnseen, type StoredCaller, storedCaller } from './caller.js';
import type { StoredMethod } from './contract.js';
import { awayMs, failureOf, isAway } from './failure.js';
import { followNotices, type Notices, notifyWorkers } from './notices.js';
import { beat, HEARTBEAT_MS } from './owners.js';
import { Quarantine, type Suspected } from './quarantine.js';
import { pruneFailed } from './retention.js';
import { clearJob, doubtJob, errorText, failJob, releaseJobs, renewJobs, settleJobs, settleWithin } from './store.js';
import type { WorkerOptions } from './worker-options.js';

const MAX_SETTLED = 500;
/** What has been claimed begins in this order. */
const PRIORITIES = ['critical', 'high', 'normal', 'low'];
/** How soon a worker looks for suspects again if one waits. */
const SUSPECTS_MS = 100;
/** How long a suspect that a process executes itself is made alone. */
const CLEARED_MS = 10_000;
/** How soon a worker looks when the next job is due, after it has found none. */
const LOOK_MS = 200;
/** The longest wait that a handler can ask for: what it refuses is called again, whatever it says. */
const MAX_PUSHBACK_MS = 3_600_000;
/** How often a worker without room notifies others at most. */
const NOTIFY_MS = 50;

interface Running {
  readonly attempt: Attempt;
  readonly job: StoredMethod;
  readonly control: AbortController;
  /** Its instance, while it is a suspect. */
  instance: string | undefined;
  /** Whether it is stored that its instance may have ended. */
  doubted: boolean;
  /** Whether the transaction of its handler ends the job. */
  settled: boolean;
}

/** How often in a row a method reached no instance, and until when it rests. */
interface Away {
  readonly times: number;
  readonly until: number;
}

/**
 * Makes the stored calls of one process. At rest it only looks: a heartbeat tells whether something is due, and when. It claims if something
 * is, or after a nudge. Heartbeats don't wait for claims, which may wait for locks.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #caller: StoredCaller;
  readonly #quarantine: Quarantine;
  readonly #pruning: ReturnType<typeof pruneFailed>;
  readonly #away = new Map<string, Away>();
  /** The keys of what has begun last, by method. */
  readonly #lastKeys = new Map<string, string>();
  readonly #running = new Set<Running>();
  readonly #done: Attempt[] = [];
  #settling: Promise<void> | undefined;
  #claims = 0;
  readonly #id: string;
  readonly #looks: ReturnType<typeof createSweep>;
  readonly #rounds: ReturnType<typeof createSweep>;
  #beatAt = -Infinity;
  #restMs = 0;
  /** Whether there may be something to claim. */
  #isDue = true;
  /** Whether something was stored in this process that it may have no room for, and no other process knows. */
  #isNew = false;
  #notifiedAt = -Infinity;
  #notices: Notices | undefined;
  /** When it looks for suspects: after a heartbeat that saw one, or once it knows of one itself. */
  #suspectsAt = Infinity;
  #looking: Promise<void> | undefined;
  #closing = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#caller = storedCaller({ ...options, noun: options.words.noun });
    this.#id = `w${options.random.hex(8)}`;
    this.#quarantine = new Quarantine(options.database, this.#id);
    this.#pruning = pruneFailed(options);
    const { clock, log, words } = options;
    const sweep = (name: string, round: (signal: AbortSignal) => Promise<boolean | number>) =>
      createSweep({ intervalMs: HEARTBEAT_MS.every, clock, log, name: `${words.noun} ${name}`, round });
    this.#looks = sweep('heartbeat', (signal) => this.#lookOut(signal));
    this.#rounds = sweep('claims', (signal) => this.#claim(signal));
  }

  start(): void {
    this.#looks.start();
    this.#rounds.start();
    if (!this.#closing)
      this.#notices ??= followNotices({ ...this.#options, id: this.#id, onNotice: () => this.#wake() });
  }

  /** Something was stored in this process. If it has no room for it, others are notified. */
  nudge(): void {
    this.#isNew = true;
    this.#wake();
  }

  /** There may be something to claim. */
  #wake(): void {
    this.#isDue = true;
    this.#rounds.nudge();
  }

  /** Cancels the attempts, and gives their jobs to other replicas. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([this.#looks.close(), this.#rounds.close(), this.#pruning.close(), this.#notices?.close()]);
    await this.#looking;
    const held = [...this.#running];
    for (const { control } of held) control.abort(new Error('the process stops'));
    await this.#settling;
    await this.#settle();
    await releaseJobs(
      this.#options.database,
      held.map(({ attempt }) => attempt),
    ).catch(() => undefined); // others take them once its heartbeats are missing
    if (held.length > 0) await notifyWorkers(this.#options.database, this.#id).catch(() => undefined);
    await this.#quarantine.release().catch(() => undefined);
  }

  #nextClaim(): string {
    this.#claims += 1;
    return `${this.#id}-${this.#claims}`;
  }

  /** Claims jobs as far as there is room, and begins them. */
  async #claim(signal: AbortSignal): Promise<boolean | number> {
    const { clock, database, methods, claim, prepare } = this.#options;
    if (clock.now() - this.#beatAt > HEARTBEAT_MS.dead / 2) {
      this.#looks.nudge(); // others would free at once what it claims
      return Infinity;
    }
    if (await prepare(signal)) this.#isDue = true;
    // Others don't wait for it. If it fails, the next look tries again.
    this.#looking ??= this.#claimSuspect(signal)
      .catch(() => undefined)
      .finally(() => {
        this.#looking = undefined;
      });
    const isDue = this.#isDue;
    this.#isDue = false; // where there is no room, the end of an attempt is a nudge
    const wanted = isDue || this.#isNew ? this.#wanted() : [];
    const isFull = wanted.length < methods().size;
    if (this.#isNew && isFull) this.#notify();
    if (wanted.length === 0) return Infinity;
    const here = this.#caller.here([...methods().values()]);
    const claimed: Claimed = await claim(database, { wanted, claim: this.#nextClaim(), here }, { signal });
    const rank = ({ method }: Attempt) => PRIORITIES.indexOf(methods().get(method)?.method.policy.priority ?? 'normal');
    for (const attempt of claimed.attempts.toSorted((one, other) => rank(one) - rank(other))) this.#begin(attempt);
    this.#isDue ||= claimed.more;
    if (!this.#isDue) {
      this.#isNew &&= isFull; // else there was room for it
      this.#looks.nudge(LOOK_MS);
    }
    return this.#isDue || Infinity;
  }

  /** Notifies the workers of other processes, now or soon. What they miss, they see by a heartbeat. */
  #notify(): void {
    const now = this.#options.clock.now();
    const waitMs = this.#notifiedAt + NOTIFY_MS - now;
    if (waitMs > 0) {
      this.#rounds.nudge(waitMs);
      return;
    }
    this.#isNew = false;
    this.#notifiedAt = now;
    void notifyWorkers(this.#options.database, this.#id).catch(() => undefined);
  }

  /** Begins a suspect if one is due and none runs. */
  async #claimSuspect(signal: AbortSignal): Promise<void> {
    const { clock, methods } = this.#options;
    if (this.#closing || clock.now() < this.#suspectsAt || [...this.#running].some(({ instance }) => instance)) return;
    this.#suspectsAt = Infinity;
    const suspected = [...methods().values()].flatMap((job): Suspected[] => {
      const instance = this.#caller.instanceForSuspects(job);
      if (instance === undefined) return [];
      const answers = () => this.#caller.answers(job, instance);
      const bounds = { maxRunning: job.maxRunning ?? null, maxPerKey: job.maxRunningPerKey?.running ?? null };
      return [{ method: job.name, instance, ...bounds, answers }];
    });
    const found = await this.#quarantine.claim(suspected, this.#nextClaim(), { signal });
    if (found === 'waits') {
      this.#suspectsAt = clock.now() + SUSPECTS_MS;
      this.#rounds.nudge(SUSPECTS_MS);
    } else if (found !== undefined) this.#begin(found.attempt, found.instance);
  }

  #wanted(): readonly Wanted[] {
    const { methods, mostAtOnce, clock } = this.#options;
    return [...methods().values()].flatMap(({ name, execute, maxRunning, maxRunningPerKey }) => {
      if (execute !== undefined && this.#quarantine.isHeld) return []; // this process executes a suspect alone
      const here = [...this.#running].filter(
        ({ job, control }) => job.name === name && !this.#caller.isStuck(job, control.signal),
      ).length;
      const { times = 0, until = 0 } = this.#away.get(name) ?? {};
      const bound = times < mostAtOnce ? Math.min(maxRunning ?? mostAtOnce, mostAtOnce) : Number(clock.now() >= until);
      const most = bound - here;
      const perKey = maxRunningPerKey && { running: maxRunningPerKey.running, after: this.#lastKeys.get(name) ?? '' };
      return most > 0 ? [{ method: name, most, maxRunning: maxRunning ?? null, perKey: perKey ?? null }] : [];
    });
  }

  #begin(attempt: Attempt, instance?: string): void {
    const job = this.#options.methods().get(attempt.method);
    if (job === undefined) return;
    const running = { attempt, job, control: new AbortController(), instance, doubted: false, settled: false };
    this.#running.add(running);
    if (attempt.lane !== null) this.#lastKeys.set(job.name, attempt.lane);
    void this.#run(running).finally(() => {
      this.#running.delete(running);
      if (instance !== undefined) this.#suspectsAt = -Infinity;
      if (!this.#closing) this.#wake();
    });
  }

  async #run(running: Running): Promise<void> {
    const { attempt, job, control } = running;
    if (job.execute !== undefined) {
      await this.#execute(running, job.execute);
      return;
    }
    const ended =
      attempt.ends > 1 ? 'each of two attempts' : attempt.attempts > job.maxAttempts + 1 && 'the last attempt';
    if (ended) {
      await this.#fail(running, new Error(`its process ended during ${ended}`));
      return;
    }
    try {
      await this.#call(running);
      this.#options.meter.ended(job.name, 'OK');
      this.#away.delete(job.name);
      if (running.settled) return;
      this.#done.push(attempt);
      await this.#settle();
    } catch (error) {
      if (control.signal.aborted) return;
      if (isAway(error) && (!this.#options.countsAway || isUnseen(error))) await this.#wait(running, error);
      else {
        this.#away.delete(job.name);
        await this.#fail(running, error);
      }
    }
  }

  /** Executes it in this process. A suspect that has lasted for a while is none any more, so that others don't wait for it. */
  async #execute(running: Running, execute: NonNullable<StoredMethod['execute']>): Promise<void> {
    const { attempt, control, instance } = running;
    if (instance === undefined) return await execute(attempt, control.signal);
    await this.#doubt(running);
    const { clock, database } = this.#options;
    const clear = async () => {
      running.instance = undefined;
      await clearJob(database, attempt).catch(() => undefined);
      this.#suspectsAt = -Infinity;
      this.#wake();
    };
    const timer = clock.setTimer(CLEARED_MS, () => void clear(), { keepAlive: false });
    await execute(attempt, control.signal).finally(() => timer.cancel());
  }

  async #call(running: Running): Promise<void> {
    const { attempt, job, control, instance } = running;
    const { keyOf, metadataOf } = this.#options;
    const call = { ...attempt, id: String(attempt.id), idempotencyKey: keyOf(attempt) };
    const avoids = instance === undefined ? attempt.avoids : null;
    const onDoubt = () => this.#doubt(running);
    const { signal } = control;
    const how = { here: runsHere(attempt), settle: this.#settleWithin(running) };
    await this.#caller.call(job, call, { ...how, signal, metadata: metadataOf?.(attempt), instance, avoids, onDoubt });
  }

  /** How the handler's transaction ends the job; undefined unless it is the first attempt, and the database that of the handler's transaction. */
  #settleWithin(running: Running): Settle | undefined {
    const { database, loopback } = this.#options;
    const isSame = database.outcomes !== undefined && loopback?.outcomes === database.outcomes;
    if (!isSame || running.attempt.claims !== 1) return undefined;
    return async (transaction) => {
      running.settled = true;
      await settleWithin(transaction, running.attempt);
    };
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
    const restMs = awayMs(times, random);
    this.#away.set(job.name, { times, until: clock.now() + restMs });
    meter.ended(job.name, codeName);
    const waitMs = Math.min(Math.max(retryPushbackMs, restMs), MAX_PUSHBACK_MS);
    const release = { waitMs, refusal: errorText(refused) };
    await releaseJobs(database, [attempt], release).catch(() => undefined); // or a heartbeat frees it
  }

  async #fail({ attempt, job }: Running, fault: unknown): Promise<void> {
    const { database, log, random, meter, words, retriesAnew } = this.#options;
    const failure = failureOf(job, fault, { ...attempt, random });
    const { failed, ended, isFinal } = failure;
    meter.ended(job.name, codeOf(fault));
    const { id, key, attempts } = attempt;
    const fields = { err: fault, [words.noun]: String(id), method: job.name, key, attempt: attempts };
    // If it can't be stored, a heartbeat frees the job.
    const isStored = await failJob(database, attempt, { ...failure, anew: retriesAnew && isFinal }).catch(() => true);
    if (failed && isStored) log.error(fields, `${words.noun} ${id} has failed: ${words.remedy}`);
    else if (ended) log.warn(fields, `an instance ended during ${words.noun} ${id}, which is now called alone`);
    else log.debug(fields, `an attempt failed; it is repeated`);
    if (ended) this.#suspectsAt = -Infinity;
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

  /** Stores a heartbeat, and cancels the attempts at jobs that were discarded, replaced or taken over. Resolves to when it is next due. */
  async #lookOut(signal: AbortSignal): Promise<number> {
    const { clock, database, methods } = this.#options;
    const [beganAt, held] = [clock.now(), [...this.#running]];
    const attempts = held.map(({ attempt }) => attempt);
    const owner = { id: this.#id, held: attempts, methods: [...methods().keys()] };
    const { suspects, isBusy, nextMs } = await beat(database, owner, { signal }).catch((error: unknown) => {
      this.#notices?.check();
      throw error;
    });
    this.#beatAt = beganAt;
    if (suspects) this.#suspectsAt = Math.min(this.#suspectsAt, beganAt);
    const dueMs = nextMs ?? Infinity;
    this.#isDue ||= suspects || dueMs <= 0;
    this.#rounds.nudge();
    const stuck = held.filter(({ job, control }) => this.#caller.isStuck(job, control.signal));
    await Promise.all(stuck.map((running) => this.#doubt(running)));
    const lost = attempts.length === 0 ? [] : await renewJobs(database, attempts);
    for (const { attempt, control, settled } of held)
      if (!settled && lost.includes(attempt)) control.abort(new Error('the job is no longer that of this process'));
    const { every, atRest } = HEARTBEAT_MS;
    this.#restMs = isBusy || this.#isDue ? every : Math.min(this.#restMs + every, atRest);
    const rested = [...this.#away.values()].map(({ until }) => until - beganAt);
    return Math.min(this.#restMs, ...[dueMs, ...rested].filter((ms) => ms > 0));
  }
}
