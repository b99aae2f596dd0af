/** The operations of runs: who may see them, their lists, and waits that another replica ends. */
import { expect, it } from '@jest/globals';
import type { ListOperationsRequest } from '@rondo/contracts/google/longrunning/operations';
import { Approval, HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import type { Database } from '@rondo/database';
import { callPrincipal } from '@rondo/rpc/call';
import { createClient, waitFor } from '@rondo/rpc/client';
import { OPERATIONS } from '@rondo/rpc/internal';
import type { Part } from '@rondo/rpc/server';
import { Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import { eachWithRuns, hire, hiring, type RunProcess } from './runs-fixture.js';

let database: Database;
const { begin } = eachWithRuns((own) => {
  database = own;
});

const SERVICE = 'rondo.conformance.v1.HiringService';

interface As {
  /** The process that calls. */
  readonly caller: string;
  readonly scopes?: readonly string[];
}

/** The clients of a caller whose identity was verified, with a principal who has these scopes. Others than web may not hire. */
function clientsOf({ served }: RunProcess, { caller, scopes }: As) {
  const signedIn: Part = {
    name: 'principals',
    observers: [
      (call, next) => {
        if (scopes) call.values.set(callPrincipal, { issuer: 'test', subject: 'ada', scopes, actors: [] });
        return next(call);
      },
    ],
  };
  const channel = createTestChannel({
    services: served,
    parts: [signedIn],
    identity: `spiffe://rondo/${caller}`,
    authorize: true,
    auth: { [SERVICE]: { scopes: ['hires'], callers: ['web'] } },
  });
  return {
    ...createClient(HiringServiceDefinition, { channel }),
    ...createClient(OPERATIONS, { channel, at: SERVICE }),
  };
}

const web: As = { caller: 'web', scopes: ['hires'] };

it.each<[As, Status]>([
  [{ caller: 'web' }, Status.UNAUTHENTICATED],
  [{ caller: 'web', scopes: ['dismissals'] }, Status.PERMISSION_DENIED],
  [{ caller: 'office', scopes: ['hires'] }, Status.PERMISSION_DENIED],
])('a caller who may not start a run sees none of its operations: %j', async (as, code) => {
  const process = begin(async (run) => `${await run.wait('approval', Approval)}`);
  const { name } = await clientsOf(process, web).hire({ person: 'ada' });
  const { getOperation, waitOperation, cancelOperation, listOperations } = clientsOf(process, as);
  const refused = { code };
  await expect(getOperation({ name })).rejects.toMatchObject(refused);
  await expect(waitOperation({ name })).rejects.toMatchObject(refused);
  await expect(cancelOperation({ name })).rejects.toMatchObject(refused);
  expect(await listOperations({ filter: `service = "${SERVICE}"` })).toMatchObject({ operations: [] });
  expect(await database.query('SELECT FROM workflow_runs WHERE code IS NULL')).toHaveLength(1);
});

it('a list has its filter and pages, the newest first', async () => {
  const process = begin(async (run, person) => {
    if (person === 'e') await run.wait('approval', Approval);
    return person;
  });
  const names: string[] = [];
  for (const person of 'abcde') {
    const { name } = await process.client.hire({ person });
    names.unshift(name);
    if (person !== 'e') await process.operations.waitOperation({ name });
  }
  const filter = `service = "${SERVICE}"`;
  const list = async (request: Partial<ListOperationsRequest>) => {
    const { operations, nextPageToken } = await process.operations.listOperations({ filter, ...request });
    return { found: operations.map(({ name }) => names.indexOf(name)), nextPageToken };
  };
  const first = await list({ pageSize: 2 });
  expect(first.found).toEqual([0, 1]);
  const second = await list({ pageSize: 2, pageToken: first.nextPageToken });
  expect(second.found).toEqual([2, 3]);
  expect(await list({ pageSize: 2, pageToken: second.nextPageToken })).toEqual({ found: [4], nextPageToken: '' });
  expect(await list({ filter: `${filter} AND done = false` })).toEqual({ found: [0], nextPageToken: '' });
  expect(await list({ filter: `${filter} AND done = true` })).toEqual({ found: [1, 2, 3, 4], nextPageToken: '' });
});

it('a page ends early if its results are large', async () => {
  const process = begin(async () => 'x'.repeat(1024 * 1024 - 100));
  for (const person of 'abcde') {
    const { name } = await process.client.hire({ person });
    await process.operations.waitOperation({ name });
  }
  const list = (pageToken: string) =>
    process.operations.listOperations({ filter: `service = "${SERVICE}"`, pageToken });
  const first = await list('');
  expect(first.operations).toHaveLength(3);
  expect(await list(first.nextPageToken)).toMatchObject({ operations: [{}, {}], nextPageToken: '' });
});

it.each<[Partial<ListOperationsRequest>, string]>([
  [{ filter: '' }, 'filter'],
  [{ filter: 'service = "sales.v1.OrderService"' }, 'filter'],
  [{ filter: `service = "${SERVICE}" OR done = true` }, 'filter'],
  [{ filter: `service = "${SERVICE}"`, pageToken: 'next' }, 'page_token'],
])('a list that it does not know is refused, with its field: %j', async (request, field) => {
  const { operations } = begin(async () => 'hired');
  await expect(operations.listOperations(request)).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    message: expect.stringContaining(field),
  });
});

it('the service in a name is that of the run, and an operation is not deleted', async () => {
  const { client, operations, jobs } = begin(async (run) => `${await run.wait('approval', Approval)}`);
  const { name } = await client.hire({ person: 'ada' });
  const { INVALID_ARGUMENT, NOT_FOUND } = Status;
  const others: readonly [string, Status, string][] = [
    [name.replace('Hiring', 'Account'), NOT_FOUND, 'there is no run operations/'],
    [name.replace(/\/[^/]+$/, '/01J00000000000000000000000'), NOT_FOUND, 'there is no run operations/'],
    ['ada', INVALID_ARGUMENT, 'name: is "ada"; give operations/SERVICE/ID'],
    ['', INVALID_ARGUMENT, 'name: is ""; give operations/SERVICE/ID'],
  ];
  for (const [other, code, message] of others) {
    const unknown = { code, message: expect.stringContaining(message) };
    await expect(operations.getOperation({ name: other })).rejects.toMatchObject(unknown);
    await expect(operations.waitOperation({ name: other })).rejects.toMatchObject(unknown);
    await expect(operations.cancelOperation({ name: other })).rejects.toMatchObject(unknown);
    const signal = { run: other, name: 'approval', type: Approval, message: {} };
    await expect(database.transaction((tx) => jobs.runs.signal(tx, signal))).rejects.toMatchObject(unknown);
  }
  const unnamed = { run: { workflow: hiring(async () => ''), key: '' }, name: 'approval', type: Approval, message: {} };
  await expect(jobs.runs.signal(database, unnamed)).rejects.toThrow('the key of a run has 1 to 200 characters');
  await expect(operations.deleteOperation({ name })).rejects.toMatchObject({ code: Status.UNIMPLEMENTED });
  expect(await operations.getOperation({ name })).toMatchObject({ name, done: false });
});

it('a wait sees the end that another replica brings about, and holds no connection', async () => {
  let release = () => {};
  const held = new Promise<string>((resolve) => {
    release = () => resolve('hired elsewhere');
  });
  const other = begin((run) => run.step('long', () => held));
  const here = begin(async () => 'never', { works: false });
  const operation = await other.client.hire({ person: 'ada' });
  const waits = Array.from({ length: 30 }, () => waitFor(hire, operation, { channel: here.doors }));
  expect(await here.operations.waitOperation({ name: operation.name, timeout: { seconds: 0n, nanos: 1e6 } })).toEqual(
    expect.objectContaining({ done: false }),
  ); // others than the waits get connections
  release();
  expect(await Promise.all(waits)).toEqual(waits.map(() => ({ text: 'hired elsewhere' })));
});
