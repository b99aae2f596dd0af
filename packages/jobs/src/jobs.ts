import type { OperatorAudit, PartDatabase, Queries } from '@rondo/database';
import type { ServerCall } from '@rondo/rpc/call';
import {
  currentTrace,
  encodeMessage,
  type MethodDefinition,
  nameInCode,
  type PartOptions,
  processOf,
  type RequestInit,
  type ServiceDefinition,
  STORED_CALL,
} from '@rondo/rpc/internal';
import type { Part, ServiceImplementation } from '@rondo/rpc/server';
import { keyOf } from './attempt.js';
import { type JobMethod, jobMethodsOf, type StoredMethod } from './contract.js';
import { meterJobs } from './metrics.js';
import { createJobService } from './operator-service.js';
import { createRunParts } from './runs/parts.js';
import type { Runs } from './runs/runs.js';
import type { Workflow } from './runs/workflow.js';
import { beginSchedules, fire, isScheduled } from './schedules.js';
import { jobsSchema } from './schema.js';
import { claimJobs, deleteJob, insertJob, setProgress } from './store.js';
import { Worker } from './worker.js';

/** Options of a service's jobs. By their channel, a job is a call of the service's own replicas. */
export interface JobsOptions extends PartOptions {
  /** The service's own database; it has the tables of `jobsSchema`. */
  readonly database: PartDatabase & PartOptions['database'];
  /** The service's own contracts; their methods with `(rondo.options.v1.method).job` are its jobs. */
  readonly services: readonly ServiceDefinition[];
  /** The functions of its methods with `(rondo.options.v1.method).workflow`. */
  readonly workflows?: readonly Workflow[];
  /** The service's audit, if it keeps one: it says which operator tried a job again or discarded it. That of the database by default. */
  readonly audit?: OperatorAudit | undefined;
}

/** A job that is enqueued. */
export interface EnqueuedJob<M extends MethodDefinition> {
  readonly request: RequestInit<M>;
  /** When it is due; as soon as possible by default. */
  readonly at?: Date;
  /**
   * Names the job among those of its method, at most 200 characters: a job that is enqueued with the same key replaces one that hasn't
   * ended, and begins after an attempt of it that runs. Random by default.
   */
  readonly key?: string;
}

/** The jobs of a service. Once they have started, they look for work at once, when the next job is due, and every few seconds. */
export interface Jobs extends Part {
  /**
   * Stores a call of a method when the surrounding transaction commits. Call {@link Jobs.nudge} after the commit, or it begins up to three
   * seconds later. If this process has no room for it then, others are notified.
   *
   * @throws TypeError if the method is no job of this service, or the key is too long or empty.
   */
  enqueue<M extends MethodDefinition>(transaction: Queries, method: M, job: EnqueuedJob<M>): Promise<void>;
  /**
   * Removes a job when the surrounding transaction commits; false if it has ended. `running`: an attempt of it runs, may have its effect yet,
   * and is cancelled within two seconds.
   */
  cancel(transaction: Queries, method: MethodDefinition, key: string): Promise<boolean | 'running'>;
  /** The runs of its workflows. */
  readonly runs: Runs;
  /** Shows how far the job is whose call a handler serves, such as `12 of 80`: at once, outside of any transaction. */
  tell(call: Pick<ServerCall, 'metadata'>, progress: string): Promise<void>;
  start(): Promise<void>;
  /** Looks for work now. Call it after the commit of a transaction that enqueued a job. */
  nudge(): void;
  /** Cancels the attempts of this process; other replicas go on with their jobs. */
  stop(): Promise<void>;
  /** @deprecated The name that `stop` had in 0.2. */
  close(): Promise<void>;
  /** @deprecated The only one of `services`. */
  readonly service: ServiceImplementation;
}

/** How many jobs of a method a process runs at once. */
const MOST_AT_ONCE = 10;
const KEY_BYTES = 16;
const MAX_KEY = 200;
const MAX_REQUEST_BYTES = 1024 * 1024;

/**
 * Creates the jobs of a service: calls that are stored in a transaction, and made later by any replica until they succeed.
 *
 * @throws TypeError that names the method, the rule and the remedy, if a contract contradicts itself.
 */
export function createJobs(options: JobsOptions): Jobs {
  const { database, services, workflows = [], audit = database.audit } = options;
  const process = processOf(options);
  const { channel, loopback, log, clock, random, meter: given } = process;
  const byDefinition = jobMethodsOf(services);
  const jobs = [...byDefinition.values()];
  const scheduled = jobs.filter(isScheduled);
  const meter = meterJobs(given, database);
  const runs = createRunParts({ ...process, database, audit, services, workflows, nudge: () => worker.nudge() });
  const byName = new Map<string, StoredMethod>([...jobs, ...runs.methods].map((job) => [job.name, job]));
  const reported = new Set<string>();
  const onFault = (method: string, fault: string): void => {
    if (!reported.has(method)) log.error({ method }, `${method} isn't called by itself: its stored schedule${fault}`);
    reported.add(method);
  };
  const worker = new Worker({
    database,
    channel,
    loopback,
    log,
    clock,
    random,
    meter,
    methods: () => byName,
    claim: claimJobs,
    mostAtOnce: MOST_AT_ONCE,
    countsAway: true,
    retriesAnew: true,
    keyOf,
    metadataOf: ({ id, claim }) => ({ [STORED_CALL]: `${id}:${claim}` }),
    words: { noun: 'job', remedy: 'remove the cause, then run rondo jobs retry with its id, or rondo jobs discard' },
    prepare: async (signal) => scheduled.length > 0 && (await fire(database, scheduled, { signal, onFault })),
  });
  const jobOf = (method: MethodDefinition): JobMethod => {
    const job = byDefinition.get(method);
    if (job !== undefined) return job;
    throw new TypeError(
      `${method.name} is no job of this service: give it (rondo.options.v1.method).job in its contract`,
    );
  };
  const service = createJobService({ database, jobs, audit, nudge: () => worker.nudge() });
  const stop = async () => {
    await runs.stop();
    await worker.close();
  };
  return {
    name: 'the job worker',
    schema: [jobsSchema, ...runs.schema],
    services: [service, ...runs.services],
    service,
    stop,
    close: stop,
    runs: runs.runs,
    trial: runs.trial,
    async enqueue(transaction, method, { request, at, key = random.hex(KEY_BYTES) }) {
      const { name, method: known, maxRunningPerKey } = jobOf(method);
      if (key === '' || key.length > MAX_KEY)
        throw new TypeError(`the key of a job has 1 to ${MAX_KEY} characters; "${key.slice(0, 20)}" has ${key.length}`);
      const message = known.requestType.fromPartial(request);
      const bytes = encodeMessage(known.requestType, message);
      if (bytes.length > MAX_REQUEST_BYTES)
        throw new TypeError(
          `the request of a job has at most 1 MiB, and this one has ${bytes.length} bytes: pass the name of a resource`,
        );
      const lane = maxRunningPerKey && laneOf(message, maxRunningPerKey.field);
      await insertJob(transaction, { method: name, key, request: bytes, at, traceparent: currentTrace(), lane });
    },
    cancel: (transaction, method, key) => deleteJob(transaction, jobOf(method).name, key),
    async tell({ metadata }, progress) {
      const [, id, claim] = /^(\d{1,18}):(.+)$/.exec(String(metadata.get(STORED_CALL))) ?? [];
      if (id !== undefined && claim !== undefined) await setProgress(database, { id: BigInt(id), claim }, progress);
    },
    async start() {
      await beginSchedules(database, scheduled);
      worker.start();
    },
    nudge: () => worker.nudge(),
  };
}

/** The value of a field that the contract names; empty if it is missing. @throws TypeError if it is too long. */
function laneOf(message: unknown, field: string): string {
  const lane = String(Object(message)[nameInCode(field)] ?? '');
  if (lane.length <= MAX_KEY) return lane;
  throw new TypeError(`${field}, by which jobs are bounded, has at most ${MAX_KEY} characters; it has ${lane.length}`);
}
