/** Replicas of two versions of a function: a run goes on in those whose function fits what it has recorded. */
import { expect, it } from '@jest/globals';
import { Approval } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Database } from '@rondo/database';
import { createClient, waitFor } from '@rondo/rpc/client';
import { eventually } from './fixture.js';
import { before, HARMFUL, HARMLESS } from './runs-changes.js';
import { eachWithRuns, hire, type RunProcess } from './runs-fixture.js';

type Operations = readonly { readonly name: string }[];

const harmful = HARMFUL[0]?.[1] ?? before;
const harmless = HARMLESS.find(([what]) => what === 'steps that are recorded change places')?.[1] ?? before;
const WAIT_MS = 120_000;

/** Tests rolling restarts over so many runs. */
export function testDeploys(count: number): void {
  let database: Database;
  const { begin, end, effects } = eachWithRuns((own) => {
    database = own;
  });
  const people = Array.from({ length: count }, (_, index) => `p${index}`);
  const once = people.map((person) => `${person} welcome`).sort();

  /** Starts runs, which wait for their approval once this resolves. */
  const startAll = async ({ client }: RunProcess, some = people): Promise<Operations> => {
    const operations: { readonly name: string }[] = [];
    for (const person of some) operations.push(await client.hire({ person }));
    const asleep = "SELECT FROM jobs WHERE claim IS NULL AND due_time > now() + interval '1 hour'";
    await eventually(async () => expect(await database.query(asleep)).toHaveLength(some.length));
    return operations;
  };
  const approve = async ({ jobs }: RunProcess, operations: Operations) => {
    for (const { name: run } of operations)
      await database.transaction((tx) =>
        jobs.runs.signal(tx, { run, name: 'approval', type: Approval, message: { by: 'bo' } }),
      );
    jobs.nudge();
  };
  /** Resolves once these runs have ended well. */
  const ended = async (operations: Operations, { doors }: RunProcess) => {
    const all = operations.map((operation) => waitFor(hire, operation, { channel: doors, timeoutMs: WAIT_MS }));
    expect(await Promise.all(all)).toEqual(operations.map(() => ({ text: 'hired' })));
  };
  const parkedIn = async ({ doors }: RunProcess) => {
    const state = RunState.RUN_STATE_PARKED;
    const { runs } = await createClient(RunServiceDefinition, { channel: doors }).listRuns({ state });
    return runs.map(({ error }) => error);
  };
  const unfit = () => database.query('SELECT FROM jobs WHERE unfit IS NOT NULL');
  const welcomed = async () => (await effects()).filter((entry) => entry.endsWith('welcome'));
  const forgetEnded = () => database.query('DELETE FROM job_owners'); // as time passes: those that live are back at once

  it.each([
    { first: 'the old', own: before, other: harmful, asks: 'konto' },
    { first: 'the new', own: harmful, other: before, asks: 'account' },
  ])(
    'a rolling restart by a harmful change parks what is left, and no run is lost: begun by $first version',
    async ({ own, other, asks }) => {
      const replicas = [begin(own), begin(own)] as const;
      const operations = await startAll(replicas[0]);
      const replaced = begin(other);
      await end(replicas[0]);
      const half = count / 2;
      await approve(replaced, operations.slice(0, half));
      await ended(operations.slice(0, half), replaced); // where they fit
      await begin(other).jobs.start();
      await end(replicas[1]);
      await forgetEnded();
      await approve(replaced, operations.slice(half));
      const reason = expect.stringMatching(`^the function asks for ${asks}, and has not asked for `);
      const parked = operations.slice(half).map(() => reason);
      await eventually(async () => expect(await parkedIn(replaced)).toEqual(parked));
      expect(await welcomed()).toHaveLength(half);
      await ended(operations, begin(own));
      expect([await welcomed(), await unfit()]).toEqual([once, []]);
    },
  );

  it.each([
    { first: 'the old', own: before, other: harmless },
    { first: 'the new', own: harmless, other: before },
  ])('a rolling restart by a harmless change parks no run: begun by $first version', async ({ own, other }) => {
    const replicas = [begin(own), begin(own)] as const;
    const operations = await startAll(replicas[0]);
    let misfits = 0;
    const approvals = approve(begin(own, { works: false }), operations); // while replicas come and go
    for (const replica of replicas) {
      await begin(other).jobs.start();
      await end(replica);
      misfits += (await unfit()).length;
    }
    await approvals;
    await ended(operations, begin(other));
    expect([await welcomed(), misfits]).toEqual([once, 0]);
  });

  it('a run that is parked can be cancelled, and is tried again by each process then', async () => {
    const [operation = { name: '' }] = await startAll(begin(before), ['ada']);
    await end();
    await forgetEnded();
    const only = begin(harmful);
    await only.operations.cancelOperation({ name: operation.name });
    await eventually(async () => expect(await unfit()).toHaveLength(1));
    const why = expect.stringMatching(
      /^the run was cancelled; it is undone once a version that fits runs: the function/,
    );
    await eventually(async () => expect(await parkedIn(only)).toEqual([why]));
    const fitting = begin(before);
    await expect(waitFor(hire, operation, { channel: fitting.doors, timeoutMs: WAIT_MS })).rejects.toMatchObject({
      message: 'the run was cancelled',
    });
  });
}
