import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Any } from '@rondo/contracts/google/protobuf/any';
import { DeliverProjectRequest } from '@rondo/contracts/projects/v1/delivery';
import { LockTimeout } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { RpcError, type StatusName } from '@rondo/rpc/status';
import { addMember, addProject, MADE_UP, testCompany } from './company.js';

/** More calls than the service has connections, and more than its database can prepare transactions. */
const MANY = 80;
const REQUEST_ID = randomUUID();

const company = testCompany();
let member: string;
let project: string;
let vast: string;
beforeAll(async () => {
  member = await addMember(company, 1_000n);
  ({ name: project } = await addProject(company));
  ({ name: vast } = await addProject(company, 'Vast'));
});

type Calls = () => readonly Promise<unknown>[];

const many =
  (call: (index: number) => Promise<unknown>, count = MANY): Calls =>
  () =>
    Array.from({ length: count }, (_, index) => call(index));

/** Calls that are cancelled as soon as they are sent. */
const cancelled = (call: (signal: AbortSignal) => Promise<unknown>): Calls =>
  many(() => {
    const controller = new AbortController();
    const outcome = call(controller.signal);
    setImmediate(() => controller.abort());
    return outcome;
  });

let deliveries = 0;
/** A delivery operation like those of sales, which reserves the team's time. */
function deliver(): Any {
  deliveries += 1;
  const tasks = [{ title: 'T', effortMinutes: 500n }];
  const request = { projectId: `sold-${deliveries}`, project: { title: 'Sold' }, tasks };
  const value = Buffer.from(DeliverProjectRequest.encode(DeliverProjectRequest.fromPartial(request)).finish());
  return Any.fromPartial({ typeUrl: 'type.googleapis.com/projects.v1.DeliverProjectRequest', value });
}

const task = (title: string, dependencies: readonly string[] = []) => ({ title, dependencies: [...dependencies] });
const batchOf = (count: number, prefix = 't') =>
  Array.from({ length: count }, (_, index) => ({ taskId: `${prefix}${index}`, task: task(`T${index}`) }));

async function firstOf(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) return;
}
const watch = (resumeToken = '') => firstOf(company.projects.watchProject({ name: project, resumeToken }));

type Attack = readonly [name: string, calls: Calls, codes: readonly StatusName[]];

/** Those that a participant refuses by itself: `packages/transactions/test/known-coordinators.test.ts`. */
const AS_A_PARTICIPANT: readonly Attack[] = [
  [
    'an operation that can not be decoded',
    () => {
      const operation = { ...deliver(), value: Buffer.from('ffffffffff', 'hex') };
      return [company.participant.prepare({ transaction: { coordinator: 'sales', id: 't3' }, operation })];
    },
    ['INVALID_ARGUMENT'],
  ],
  [
    'cancelled Prepares',
    cancelled((signal) => {
      const transaction = { coordinator: 'sales', id: `${MADE_UP}-cancelled` };
      return company.participant.prepare({ transaction, operation: deliver() }, { signal });
    }),
    ['CANCELLED', 'ABORTED', 'RESOURCE_EXHAUSTED'],
  ],
  [
    'Aborts and Commits of transactions that were never prepared',
    many((index) => {
      const request = { transaction: { coordinator: 'evil', id: `${index}` } };
      return index % 2 ? company.participant.abort(request) : company.participant.commit(request);
    }),
    ['UNAVAILABLE', 'DEADLINE_EXCEEDED'],
  ],
  [
    'lists of in-doubt transactions',
    many(() => company.participant.listInDoubt({})),
    ['UNAVAILABLE', 'DEADLINE_EXCEEDED'],
  ],
];

/** The statuses of calls that are refused under load. */
const BUSY: readonly StatusName[] = ['ABORTED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'];

const AS_A_CALLER: readonly Attack[] = [
  [
    'many concurrent creates with one request id',
    many(() => company.projects.createProject({ project: { title: 'Once' }, requestId: REQUEST_ID })),
    BUSY,
  ],
  [
    'concurrent batches of the largest size, in one project',
    many((index) => company.tasks.batchCreateTasks({ parent: vast, requests: batchOf(1_000, `b${index}-`) }), 3),
    BUSY,
  ],
  [
    'a batch that is too large',
    () => [company.tasks.batchCreateTasks({ parent: project, requests: batchOf(1_001) })],
    ['INVALID_ARGUMENT'],
  ],
  [
    'a task with too many dependencies',
    () => [company.tasks.createTask({ parent: project, task: task('T', Array(101).fill(`${project}/tasks/t0`)) })],
    ['INVALID_ARGUMENT'],
  ],
  [
    'many changes of one member',
    many((index) =>
      company.team.updateMember({ member: { name: member, displayName: `M${index}` }, updateMask: ['display_name'] }),
    ),
    BUSY,
  ],
  [
    'cancelled writes',
    cancelled((signal) => company.projects.createProject({ project: { title: 'Left' } }, { signal })),
    ['CANCELLED'],
  ],
  [
    'writes with a deadline of a millisecond',
    many(() => company.tasks.createTask({ parent: project, task: task('T') }, { timeoutMs: 1 })),
    ['DEADLINE_EXCEEDED', 'UNAVAILABLE'],
  ],
  ['watches that are abandoned', many(() => watch(), 40), []],
  ['watches with invalid tokens', () => [watch('x'), watch('A'.repeat(9_000))], ['INVALID_ARGUMENT']],
];

/** Whether nothing is prepared, no connection is in a transaction, and every row can be locked at once. */
async function isFree(): Promise<boolean> {
  const { database } = company;
  const { prepared, kept } = await database.one<{ prepared: number; kept: number }>(`
    SELECT (SELECT count(*)::int FROM pg_prepared_xacts) AS prepared,
      (SELECT count(*)::int FROM pg_stat_activity
        WHERE application_name = 'project-management' AND xact_start IS NOT NULL) AS kept`);
  if (prepared + kept > 0) return false;
  const lock = database.transaction(async (transaction) => {
    for (const table of ['members', 'member_weeks', 'projects', 'tasks']) {
      await transaction.query(`SELECT FROM ${table} FOR UPDATE NOWAIT`);
    }
    return true;
  });
  return lock.catch((error: unknown) => {
    if (error instanceof LockTimeout) return false;
    throw error;
  });
}

describe('an attacker who knows the code', () => {
  it.each([...AS_A_PARTICIPANT, ...AS_A_CALLER])(
    'does not block other callers with %s',
    async (_name, calls, codes) => {
      const outcomes = await Promise.allSettled(calls());
      const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      const unexpected = failed.filter((error) => !(error instanceof RpcError && codes.includes(error.codeName)));
      expect(unexpected.map(String)).toEqual([]);
      await eventually('nothing is locked or prepared, and no connection is held', isFree);
      const others = await addProject(company, 'Others');
      await company.tasks.createTask({ parent: others.name, task: task('Theirs') });
      await expect(company.team.getMember({ name: member })).resolves.toMatchObject({ name: member });
    },
  );
});
