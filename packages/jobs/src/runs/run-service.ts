import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Database, OperatorAudit, Queries } from '@rondo/database';
import type { ServerCall } from '@rondo/rpc/call';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { requireOperator } from '../operator-service.js';
import { runErrors } from './errors.js';
import { findNamed, operationName, RUN_ID } from './operation.js';
import { failureIn } from './outcome.js';
import {
  cancelRun,
  listRuns,
  listSteps,
  nextPageToken,
  type RecordRow,
  type RunRow,
  readRecords,
  retryRun,
  type ShownStep,
  STATES,
} from './rows.js';
import type { DeclaredRuns } from './runs.js';

const MOST = 1_000;

interface RunServiceOptions {
  readonly database: Database;
  readonly declared: readonly DeclaredRuns[];
  readonly audit: OperatorAudit | undefined;
  readonly nudge: () => void;
}

/** The service by which `rondo runs` shows and resolves runs. */
export function createRunService({ database, declared, audit, nudge }: RunServiceOptions): ServiceImplementation {
  const show = async (name: string) => {
    const row = await findNamed(database, name);
    if (row === undefined) throw runErrors.NO_RUN({ run: name });
    return toRun(row, await listSteps(database, row.id));
  };
  const resolve = async (name: string, change: typeof retryRun, call: ServerCall) => {
    requireOperator(call);
    const resolved = async (transaction: Queries) => {
      const row = await findNamed(transaction, name);
      const changed = row && (await change(transaction, row.id));
      if (changed === undefined) throw runErrors.NO_RUN({ run: name });
      if (changed.ended) throw runErrors.RUN_ENDED({ run: name });
      await audit?.record(transaction, { name });
    };
    await database.transaction(resolved, { signal: call.signal });
    nudge();
    return await show(name);
  };
  return implement(RunServiceDefinition, {
    async listRuns({ method, state, pageSize, pageToken }, call) {
      requireOperator(call);
      const methods = declared.map(({ name }) => name).filter((name) => method === '' || name === method);
      if (pageToken !== '' && !RUN_ID.test(pageToken)) throw runErrors.PAGE_TOKEN();
      const most = Math.min(pageSize > 0 ? pageSize : MOST, MOST);
      const all = [...STATES.open, ...STATES.ended];
      const states = all.filter((one) => state === RunState.RUN_STATE_UNSPECIFIED || state === SHOWN[one]);
      const rows = await listRuns(database, { methods, states, before: pageToken || undefined, most });
      return { runs: rows.map((row) => toRun(row, [])), nextPageToken: nextPageToken(rows, most) };
    },
    getRun({ name }, call) {
      requireOperator(call);
      return show(name);
    },
    async *readRecords(_request, call) {
      requireOperator(call);
      const methods = declared.map(({ name }) => name);
      for await (const { id, steps, ...run } of readRecords(database, methods))
        yield { ...run, name: operationName({ ...run, id }), steps: steps.map(toRecord) };
    },
    retryRun: ({ name }, call) => resolve(name, retryRun, call),
    cancelRun: ({ name }, call) => resolve(name, cancelRun, call),
  });
}

const SHOWN: Readonly<Record<RunRow['state'], RunState>> = {
  blocked: RunState.RUN_STATE_BLOCKED,
  parked: RunState.RUN_STATE_PARKED,
  running: RunState.RUN_STATE_RUNNING,
  waiting: RunState.RUN_STATE_WAITING,
  succeeded: RunState.RUN_STATE_SUCCEEDED,
  cancelled: RunState.RUN_STATE_CANCELLED,
  failed: RunState.RUN_STATE_FAILED,
};

const textOf = ({ code, result }: Pick<RunRow, 'code' | 'result'>) =>
  code === null || code === 0 ? '' : failureIn({ code, bytes: result }).message;

/** Of a parked run that is to be undone both: why it is undone, and why that waits. */
function errorOf(row: RunRow): string {
  const { state, code, blocked, error } = row;
  if (state === 'parked' && code !== null)
    return `${textOf(row)}; it is undone once a version that fits runs: ${error}`;
  return blocked ?? (error || textOf(row));
}

const toRecord = ({ code, bytes, place, ...step }: RecordRow) => ({
  ...step,
  outcome: code === null ? undefined : { code, bytes: bytes ?? undefined, place: place ?? 0 },
});

function toRun(row: RunRow, steps: readonly ShownStep[]) {
  const { method, key, caller, createTime, restoreTime, endTime, dueTime, attempts, code } = row;
  return {
    name: operationName(row),
    method,
    key,
    caller,
    createTime,
    state: SHOWN[row.state],
    undoing: endTime === null && code !== null,
    dueTime: dueTime ?? undefined,
    endTime: endTime ?? undefined,
    restoreTime: restoreTime ?? undefined,
    attempts: attempts ?? 0,
    error: errorOf(row),
    steps: steps.map((step) => ({
      name: step.name,
      kind: step.kind,
      undoing: step.undoing,
      beginTime: step.beginTime,
      endTime: step.endTime ?? undefined,
      error: textOf(step),
      traceId: step.traceId ?? '',
      repeated: restoreTime !== null && ['call', 'child'].includes(step.kind) && step.beginTime >= restoreTime,
    })),
  };
}
