import { createHash } from 'node:crypto';
import type { Operation } from '@rondo/contracts/google/longrunning/operations';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import type { Database, Queries } from '@rondo/database';
import { currentWorkLimits, type ServerCall } from '@rondo/rpc/call';
import {
  currentTrace,
  encodeMessage,
  inSpan,
  type MessageType,
  type Method,
  methodsOf,
  type OperationMethod,
  optionBytes,
  POLICY_TAG,
  type processOf,
  type RequestInit,
  type RequestOf,
  type ServiceDefinition,
} from '@rondo/rpc/internal';
import type { Attempt } from '../attempt.js';
import type { StoredMethod } from '../contract.js';
import { BACKOFF, conduct } from './conduct.js';
import { type DeclaredWorkflow, declaredWorkflow, faultOfWorkflow } from './declared.js';
import { runErrors } from './errors.js';
import type { Verdict } from './execution.js';
import { meterRuns } from './metrics.js';
import { findNamed, newId, operationName, toOperation } from './operation.js';
import { PostgresRun } from './postgres-store.js';
import { sendSignal, startRun, taskOf } from './rows.js';
import { createStepCaller } from './step-caller.js';
import { ClaimLost } from './store.js';
import type { Workflow } from './workflow.js';

/** A workflow of a service, as its contract declares it. */
export interface DeclaredRuns extends DeclaredWorkflow {
  readonly workflow: Workflow;
  readonly service: ServiceDefinition;
  readonly method: Method;
  /** Such as `sales.v1.OrderService/Fulfil`. */
  readonly name: string;
}

/** A run that the service starts itself. */
export interface EnqueuedRun<M extends OperationMethod> {
  readonly request: RequestInit<M>;
  /** One run starts for each key, 1 to 200 characters; random by default. */
  readonly key?: string;
  /** When it begins; as soon as possible by default. */
  readonly at?: Date;
}

/** A signal to a run. */
export interface Signal<T> {
  /** The name of its operation; or the workflow and the key of a run that the service has enqueued itself. */
  readonly run: string | { readonly workflow: Workflow; readonly key: string };
  readonly name: string;
  readonly type: MessageType<T>;
  readonly message: Parameters<MessageType<T>['fromPartial']>[0];
}

/** The runs of a service's workflows. After a transaction that enqueued a run or sent a signal, nudge the jobs. */
export interface Runs {
  /** The handler of a workflow's method: it starts a run, and answers with its operation. */
  handler<M extends OperationMethod>(
    workflow: Workflow<M>,
  ): (request: RequestOf<M>, call: ServerCall) => Promise<Operation>;
  /** Starts a run when the surrounding transaction commits. @throws TypeError if it is no workflow of this service. */
  enqueue<M extends OperationMethod>(
    transaction: Queries,
    workflow: Workflow<M>,
    run: EnqueuedRun<M>,
  ): Promise<Operation>;
  /**
   * Sends a signal when the surrounding transaction commits. Signals of a name are read in the order of commits.
   *
   * @throws RpcError `NOT_FOUND`; `INVALID_ARGUMENT` for what is no operation's name; `FAILED_PRECONDITION` if the run has ended; `RESOURCE_EXHAUSTED` if 100 signals wait for it.
   */
  signal<T>(transaction: Queries, signal: Signal<T>): Promise<void>;
}

/**
 * The workflows of a service.
 *
 * @throws TypeError that names the method, the rule and the remedy, if a contract contradicts itself, or if one has no function.
 */
export function declaredRuns(
  services: readonly ServiceDefinition[],
  workflows: readonly Workflow[],
): readonly DeclaredRuns[] {
  const found: DeclaredRuns[] = [];
  for (const service of services)
    for (const [key, method] of methodsOf(service)) {
      const definition = service.methods[key];
      const bytes = definition && optionBytes(definition, POLICY_TAG);
      const policy = bytes && MethodPolicy.decode(bytes);
      if (policy?.workflow === undefined) continue;
      const declared = declaredWorkflow(policy.workflow);
      const fault = faultOfWorkflow(declared, {
        isUnary: !method.requestStream && !method.responseStream,
        startsOperation: definition?.operation !== undefined,
        hasKey: method.policy.key !== undefined,
        isJob: policy.job !== undefined,
      });
      if (fault !== undefined) throw new TypeError(`${method.path}: (rondo.options.v1.method).workflow${fault}`);
      const workflow = workflows.find((one) => one.method === definition);
      if (workflow !== undefined) found.push({ ...declared, workflow, service, method, name: method.path.slice(1) });
    }
  const left = workflows.find((one) => !found.some(({ workflow }) => workflow === one));
  if (left === undefined) return found;
  throw new TypeError(
    `${left.method.name} is no workflow of this service: give it (rondo.options.v1.method).workflow, and createJobs its service`,
  );
}

interface RunsContext extends Pick<ReturnType<typeof processOf>, 'channel' | 'log' | 'wallClock' | 'random' | 'meter'> {
  readonly database: Database;
  readonly nudge: () => void;
  /** A run of this process has ended. */
  readonly onEnd: (id: string) => void;
}

const MAX = { key: 200, requestBytes: 1024 * 1024 };

function checkKey(key: string): void {
  if (key === '' || key.length > MAX.key)
    throw new TypeError(`the key of a run has 1 to ${MAX.key} characters; "${key.slice(0, 20)}" has ${key.length}`);
}

/** Starts runs, and sends signals to them. */
export function createRuns(declared: readonly DeclaredRuns[], context: RunsContext): Runs {
  const { database, random, wallClock } = context;
  const declaredOf = (workflow: Workflow) => {
    const found = declared.find((one) => one.workflow === workflow);
    if (found !== undefined) return found;
    throw new TypeError(
      `${workflow.method.name} is no workflow of this service: list it in the workflows of createJobs`,
    );
  };
  const start = async (
    transaction: Queries,
    workflow: Workflow,
    run: Partial<NewRunParts> & { readonly request: object },
  ) => {
    const { name, method } = declaredOf(workflow);
    const request = encodeMessage(method.requestType, method.requestType.fromPartial(run.request));
    const { key = random.hex(16), caller = '', at, fingerprint = createHash('sha256').update(request).digest() } = run;
    checkKey(key);
    if (request.length > MAX.requestBytes)
      throw new TypeError(
        `the request of a run has at most 1 MiB; this one has ${request.length} bytes: pass the name of a resource`,
      );
    const id = newId(wallClock.now(), random.hex(10));
    const traceparent = currentTrace();
    const row = await startRun(transaction, { id, method: name, caller, key, fingerprint, request, traceparent, at });
    return toOperation(row, workflow.method);
  };
  return {
    handler: (workflow) => async (request) => {
      const limits = currentWorkLimits();
      const operation = await database.transaction(
        (transaction) => start(transaction, workflow, { ...limits.once, request: Object(request) }),
        limits,
      );
      context.nudge();
      return operation;
    },
    enqueue: (transaction, workflow, run) => start(transaction, workflow, { ...run, request: Object(run.request) }),
    async signal(transaction, { run, name, type, message }) {
      if (typeof run === 'object') checkKey(run.key);
      const target =
        typeof run === 'string'
          ? await findNamed(transaction, run)
          : { method: declaredOf(run.workflow).name, key: run.key };
      if (target === undefined) throw runErrors.NO_RUN({ run: String(run) });
      const value = encodeMessage(type, type.fromPartial(message));
      if (value.length > MAX.requestBytes)
        throw new TypeError(
          `a signal has at most 1 MiB; ${name} has ${value.length} bytes: pass the name of a resource`,
        );
      await sendSignal(transaction, target, { name, value });
    },
  };
}

/** The workflows as the worker claims and executes them. */
export function executedRuns(declared: readonly DeclaredRuns[], context: RunsContext): readonly StoredMethod[] {
  const { database, log, random } = context;
  const meter = meterRuns(context.meter, {
    database,
    methods: declared.map(({ name }) => name),
    tasks: declared.map(({ name }) => taskOf(name)),
  });
  const caller = createStepCaller(() => context.channel);
  const execute = async (one: DeclaredRuns, attempt: Attempt, signal: AbortSignal): Promise<void> => {
    const { workflow, retentionMs, maxAttempts } = one;
    const name = operationName({ id: attempt.key, method: one.name });
    const moved = `${name} goes on in another history of its database: calls from now on may have been made before`;
    const store = new PostgresRun({ database, attempt, retentionMs, onMoved: () => log.warn({ run: name }, moved) });
    const onVerdict = ({ next }: Verdict) => meter.ended(one.name, next);
    const { attempts, ends } = attempt;
    try {
      const options = { workflow, name, store, caller, signal, attempts, ends, maxAttempts, random, log, onVerdict };
      const attributes = { 'rondo.run.id': attempt.key, 'rondo.run.attempt': attempts };
      const span = { name: `run ${one.name}`, attributes, linkTo: attempt.traceparent };
      const last = await inSpan(span, () => conduct(options));
      if (last.next === 'finish') context.onEnd(attempt.key);
    } catch (err) {
      // A heartbeat frees what the database didn't let it record.
      if (!(err instanceof ClaimLost)) log.warn({ err, run: name }, `${name} can't be recorded, and is tried again`);
    }
  };
  return declared.map((one) => ({
    name: taskOf(one.name),
    service: one.service,
    method: one.method,
    definition: one.workflow.method,
    maxAttempts: one.maxAttempts,
    backoff: BACKOFF,
    maxRunning: undefined,
    maxRunningPerKey: undefined,
    execute: (attempt, signal) => execute(one, attempt, signal),
  }));
}

interface NewRunParts {
  readonly key: string;
  readonly caller: string;
  readonly fingerprint: Uint8Array;
  readonly at: Date;
}
