import type { WallClock } from '@rondo/base';
import { type ListOperationsRequest, OperationsDefinition } from '@rondo/contracts/google/longrunning/operations';
import type { Database } from '@rondo/database';
import type { ServerCall } from '@rondo/rpc/call';
import { refusalOf } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { toMs } from '../declared.js';
import { runErrors } from './errors.js';
import { findNamed, RUN_ID, toOperation } from './operation.js';
import { cancelRun, findRun, listRuns, nextPageToken, type RunRow, STATES } from './rows.js';
import type { DeclaredRuns } from './runs.js';
import type { RunWaiters } from './waiters.js';

const LONGEST_WAIT_MS = 30_000;
/** Left of a call's time for its answer. */
const ANSWER_MS = 500;
const PAGE = { size: 100, most: 1_000 };

interface OperationsOptions {
  readonly database: Database;
  readonly declared: readonly DeclaredRuns[];
  readonly waiters: RunWaiters;
  readonly nudge: () => void;
  readonly wallClock: WallClock;
}

/** The operations of the runs of a service (AIP-151). Each needs what its workflow's method needs, and any instance answers. */
export function createOperations({
  database,
  declared,
  waiters,
  nudge,
  wallClock,
}: OperationsOptions): ServiceImplementation {
  const find = async (name: string, call: ServerCall) => {
    const row = await findNamed(database, name);
    const of = declared.find((one) => one.name === row?.method);
    if (row === undefined || of === undefined) throw runErrors.NO_RUN({ run: name });
    const refusal = refusalOf(call, of.method);
    if (refusal !== undefined) throw refusal;
    return { row, of };
  };
  const shown = (row: RunRow) => {
    const of = declared.find(({ name }) => name === row.method);
    return of === undefined ? [] : [toOperation(row, of.workflow.method)];
  };
  return implement(OperationsDefinition, {
    async getOperation({ name }, call) {
      const { row, of } = await find(name, call);
      return toOperation(row, of.workflow.method);
    },
    async waitOperation({ name, timeout }, call) {
      const { row, of } = await find(name, call);
      const leftMs =
        call.deadline === undefined ? Infinity : call.deadline.getTime() - wallClock.now().getTime() - ANSWER_MS;
      const ms = Math.min(timeout === undefined ? LONGEST_WAIT_MS : toMs(timeout), LONGEST_WAIT_MS, leftMs);
      if (row.endTime === null && ms > 0) await waiters.wait(row.id, { ms, signal: call.signal });
      return toOperation((await findRun(database, row.id)) ?? row, of.workflow.method);
    },
    async cancelOperation({ name }, call) {
      const { row } = await find(name, call);
      await database.transaction((transaction) => cancelRun(transaction, row.id), { signal: call.signal });
      nudge();
      return {};
    },
    async listOperations({ filter, pageSize, pageToken }, call) {
      const { service, states } = filterOf({ filter }, declared);
      if (pageToken !== '' && !RUN_ID.test(pageToken)) throw runErrors.PAGE_TOKEN();
      const allowed = declared.filter(
        (one) => one.service.fullName === service && refusalOf(call, one.method) === undefined,
      );
      const most = Math.min(pageSize > 0 ? pageSize : PAGE.size, PAGE.most);
      const methods = allowed.map(({ name }) => name);
      const rows = await listRuns(database, { methods, states, before: pageToken || undefined, most });
      return { operations: rows.flatMap(shown), nextPageToken: nextPageToken(rows, most) };
    },
    deleteOperation() {
      throw runErrors.OPERATION_DELETE();
    },
  });
}

const FILTER = /^\s*service\s*=\s*"?([\w.]+)"?(?:\s+AND\s+done\s*=\s*(true|false))?\s*$/;

function filterOf({ filter }: Pick<ListOperationsRequest, 'filter'>, declared: readonly DeclaredRuns[]) {
  const [, service, done] = FILTER.exec(filter) ?? [];
  const known = declared.map((one) => one.service.fullName);
  if (service === undefined || !known.includes(service))
    throw runErrors.LIST_FILTER({ filter, service: known[0] ?? '' });
  const { open, ended } = STATES;
  return { service, states: [...(done === 'true' ? [] : open), ...(done === 'false' ? [] : ended)] };
}
