import type { Database } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import type { Clock, Random, Timer } from '@rondo/rpc/clock';
import { BYTES, backoffMs, inSpan } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import type { JobMethod } from './contract.js';
import type { JobMeter } from './metrics.js';
import {
  type Attempt,
  claimJobs,
  failJob,
  LEASE_MS,
  releaseJobs,
  renewJobs,
  settleJobs,
  type Wanted,
} from './store.js';

/** How many jobs of a method a process runs at once. */
const MOST_AT_ONCE = 10;
const MAX_ERROR_LENGTH = 500;
const MAX_SETTLED = 500;
/** The metadata key by which a handler knows its job. */
export const JOB_KEY = 'rondo-job';

/** What a {@link Worker} needs. */
export interface WorkerOptions {
  readonly database: Database;
  readonly jobs: readonly JobMethod[];
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
  readonly job: JobMethod;
  readonly control: AbortController;
}

/** Runs the jobs of one process. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #byName: ReadonlyMap<string, JobMethod>;
  readonly #call: (attempt: Attempt, signal: AbortSignal) => Promise<unknown>;
  readonly #running = new Set<Running>();
  readonly #done: Attempt[] = [];
  #settling: Promise<void> | undefined;
  #claims = 0;
  readonly #id: string;
  #renewal: Timer | undefined;
  #closing = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#byName = new Map(options.jobs.map((job) => [job.name, job]));
    this.#call = callerOf(options);
    this.#id = options.random.hex(8);
  }

  /** Claims jobs as far as there is room, and begins them. Resolves to whether there may be more. */
  async claim(signal: AbortSignal): Promise<boolean> {
    const wanted = this.#wanted();
    if (wanted.length === 0 || this.#closing) return false;
    this.#claims += 1;
    const { database } = this.#options;
    const attempts = await claimJobs(database, { wanted, claim: `${this.#id}-${this.#claims}` }, { signal });
    for (const attempt of attempts) this.#begin(attempt);
    this.#renewal ??= this.#renewLater();
    return attempts.length > 0;
  }

  /** Cancels the attempts, and gives their jobs to other replicas. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#renewal?.cancel();
    const held = [...this.#running];
    for (const { control } of held) control.abort(new Error('the process stops'));
    await this.#settling;
    await this.#settle();
    await releaseJobs(
      this.#options.database,
      held.map(({ attempt }) => attempt),
    ).catch(() => undefined); // others take them a little later
  }

  #wanted(): readonly Wanted[] {
    return this.#options.jobs.flatMap(({ name, maxRunning }) => {
      const here = [...this.#running].filter(({ job }) => job.name === name).length;
      const most = Math.min(maxRunning ?? MOST_AT_ONCE, MOST_AT_ONCE) - here;
      return most > 0 ? [{ method: name, most, maxRunning: maxRunning ?? null }] : [];
    });
  }

  #begin(attempt: Attempt): void {
    const job = this.#byName.get(attempt.method);
    if (job === undefined) return;
    const running = { attempt, job, control: new AbortController() };
    this.#running.add(running);
    void this.#run(running).finally(() => {
      this.#running.delete(running);
      if (!this.#closing) this.#options.onFree();
    });
  }

  async #run({ attempt, job, control }: Running): Promise<void> {
    const { meter } = this.#options;
    if (attempt.attempts > job.maxAttempts) {
      await this.#fail({ attempt, job, control }, new Error('its process ended during the last attempt'), true);
      return;
    }
    const attributes = { 'rondo.job.id': String(attempt.id), 'rondo.job.attempt': attempt.attempts };
    const span = { name: `job ${job.name}`, attributes, linkTo: attempt.traceparent };
    try {
      await inSpan(span, () => this.#call(attempt, control.signal));
      meter.ended(job.name, 'OK');
      this.#done.push(attempt);
      await this.#settle();
    } catch (error) {
      if (control.signal.aborted) return;
      await this.#fail({ attempt, job, control }, error, isFinal(job, error));
    }
  }

  async #fail({ attempt, job }: Running, fault: unknown, final: boolean): Promise<void> {
    const { database, log, random, meter } = this.#options;
    const failed = final || attempt.attempts >= job.maxAttempts;
    meter.ended(job.name, fault instanceof RpcError ? fault.codeName : 'UNKNOWN');
    const fields = {
      err: fault,
      job: String(attempt.id),
      method: job.name,
      key: attempt.key,
      attempt: attempt.attempts,
    };
    if (failed)
      log.error(
        fields,
        `a job has failed: remove the cause, then run rondo jobs retry ${attempt.id}, or rondo jobs discard`,
      );
    else log.debug(fields, 'an attempt at a job failed; it is repeated');
    const error = (fault instanceof Error ? fault.message : String(fault)).slice(0, MAX_ERROR_LENGTH);
    const wait = backoffMs(attempt.attempts - 1, { ...job.backoff, random, jitter: 'equal' });
    // If it can't be stored, the job is due again when its lease ends.
    await failJob(database, attempt, { error, failed, backoffMs: wait }).catch(() => undefined);
  }

  /** Removes what has succeeded, many at a time. What can't be removed is called again with its key, and has no further effect. */
  #settle(): Promise<void> {
    this.#settling ??= (async () => {
      while (this.#done.length > 0) {
        const batch = this.#done.splice(0, MAX_SETTLED);
        await settleJobs(this.#options.database, batch).catch(() => undefined);
      }
    })().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  #renewLater(): Timer {
    return this.#options.clock.setTimer(LEASE_MS / 3, () => void this.#renew(), { keepAlive: false });
  }

  /** Gives a sign of life, and cancels the attempts at jobs that were discarded, replaced or taken over. */
  async #renew(): Promise<void> {
    const held = [...this.#running];
    const { database } = this.#options;
    const attempts = held.map(({ attempt }) => attempt);
    // If it can't be given, another process takes the jobs over when their leases end.
    const kept = attempts.length === 0 ? undefined : await renewJobs(database, attempts).catch(() => undefined);
    for (const { attempt, control } of kept === undefined ? [] : held)
      if (kept?.has(attempt.id) === false) control.abort(new Error('the job is no longer that of this process'));
    if (!this.#closing) this.#renewal = this.#renewLater();
  }
}

/** Whether the error is the outcome of the call for good, as its contract says. */
const isFinal = ({ method }: JobMethod, error: unknown): boolean =>
  error instanceof RpcError && method.policy.key?.finalCodes.has(error.code) === true;

/** Makes the call of a job: with a key of its own, so that it takes effect once. */
function callerOf({ jobs, channel }: WorkerOptions) {
  const calls = new Map(jobs.map((job) => [job.name, { call: encodedCall(job, channel), key: job.method.policy.key }]));
  return async ({ id, version, method, request }: Attempt, signal: AbortSignal): Promise<unknown> => {
    const { call, key } = calls.get(method) ?? {};
    const own = key?.source.from === 'metadata' ? { [key.source.key]: `job-${id}-${version}` } : {};
    return await call?.(request, { signal, metadata: { ...own, [JOB_KEY]: String(id) } });
  };
}

function encodedCall({ service, definition }: JobMethod, channel: Channel) {
  const unary = { requestStream: false, responseStream: false } as const;
  const encoded = { ...definition, ...unary, requestType: BYTES, responseType: BYTES };
  return createClient({ ...service, methods: { encoded } }, { channel }).encoded;
}
