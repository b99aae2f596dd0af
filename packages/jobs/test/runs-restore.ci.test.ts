/** A run whose database is restored from a backup goes on from what was restored, and says which of its calls may have been made before. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { Approval } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { RunServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/runs';
import { createOutcomeStore, createPool, type Database } from '@rondo/database';
import { backUp, restore } from '@rondo/database/backup';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { freePort, startTestPostgres } from '@rondo/database/testing';
import { createClient, waitFor } from '@rondo/rpc/client';
import { createTestChannel } from '@rondo/rpc/testing';
import { eventually } from './fixture.js';
import { account, calledServices, createRunTables, hire, hiring, startRuns } from './runs-fixture.js';

const workflow = hiring(async (run) => {
  await run.call('first', account.write, { entry: 'first' });
  const approval = await run.wait('approval', Approval);
  await run.call('second', account.write, { entry: 'second' });
  return approval?.by ?? 'nobody';
});

it('a run goes on from what was restored, its calls take effect once, and those that may have been made before are marked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-runs-restore-'));
  chmodSync(folder, 0o755);
  const [elsewhere, port] = [await startTestPostgres(), await freePort()];
  const called = await createRunTables(await elsewhere.createDatabase()); // it isn't restored
  const outcomes = createOutcomeStore(called);
  const channel = createTestChannel({ services: calledServices(called), outcomes });
  const begin = (database: Database) => startRuns(database, { workflow, wrap: () => channel });
  const approve = async (database: Database, { jobs }: ReturnType<typeof begin>, run: string) => {
    await database.transaction((tx) =>
      jobs.runs.signal(tx, { run, name: 'approval', type: Approval, message: { by: 'bo' } }),
    );
    jobs.nudge();
  };

  const live = await startEmbeddedPostgres({ directory: join(folder, 'live'), port, settings: { fsync: false } });
  const before = await createRunTables(live.url);
  const first = begin(before);
  const { name } = await first.client.hire({ person: 'ada' });
  await eventually(async () =>
    expect(await before.query("SELECT FROM workflow_steps WHERE kind = 'wait'")).toHaveLength(1),
  );
  await backUp({ directory: join(folder, 'live'), to: join(folder, 'backup') });
  await approve(before, first, name);
  expect(await waitFor(hire, { name }, { channel: first.doors })).toEqual({ text: 'bo' });
  await first.close();
  await before.close();
  await live.stop();

  await restore({ from: join(folder, 'backup'), to: join(folder, 'copy'), port });
  const copy = await startEmbeddedPostgres({ directory: join(folder, 'copy/postgres'), port });
  const after = createPool({ url: copy.url });
  const second = begin(after);
  expect((await second.operations.getOperation({ name })).done).toBe(false); // its end is lost
  await approve(after, second, name);
  expect(await waitFor(hire, { name }, { channel: second.doors })).toEqual({ text: 'bo' });
  expect(await called.query('SELECT entry FROM effects ORDER BY entry')).toEqual([
    { entry: 'first' },
    { entry: 'second' },
  ]);
  const run = await createClient(RunServiceDefinition, { channel: second.doors }).getRun({ name });
  expect(run.restoreTime).toBeInstanceOf(Date);
  expect(run.steps.map((step) => [step.name, step.repeated])).toEqual([
    ['first', false],
    ['approval', false],
    ['second', true],
  ]);
  await second.close();
  await outcomes.close();
  for (const database of [after, called]) await database.close();
  for (const server of [copy, elsewhere]) await server.stop();
  rmSync(folder, { recursive: true });
});
