// A process with functions that go on after a crash, in Rondo or in DBOS: its parent has it work, gets figures, and kills it.
import { HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createPool, migrate } from '@rondo/database';
import { answerParent } from '@rondo/harness';
import { createJobs, workflow } from '@rondo/jobs';
import { silentLogger as log } from '@rondo/rpc/call';
import { waitFor } from '@rondo/rpc/client';
import { createTestChannel, standIn } from '@rondo/rpc/testing';

const AT_ONCE = 10;
let begun;
const insert = ({ query }, entry) =>
  query('INSERT INTO effects (entry) VALUES ($1)', [entry], { name: 'effect' }).then(() => 1);

/** What a function does, by the steps of a contender. Its process is killed in the step after that with the name. */
async function body({ kind, count }, { step, write, name, holds }) {
  for (let index = 0; index < count; index += 1)
    await (kind === 'writes' ? write(`write-${index}`) : step(`step-${index}`, () => index));
  if (kind !== 'held') return;
  await step(name, () => 1);
  await step('hold', () => (holds ? new Promise(begun) : 1));
  await write('done');
}

/** By name: what prepares a process on a database. Each starts a function, and resolves at its end. */
const CONTENDERS = { rondo, dbos };

async function rondo({ url, name = 'pay', holds }) {
  const [database, services] = [createPool({ url }), [HiringServiceDefinition]];
  const { hire } = HiringServiceDefinition.methods;
  const own = workflow(hire, async ({ person }, run) => {
    const write = (step) => run.transaction(step, (tx) => insert(tx, step));
    await body(JSON.parse(person), { step: run.step, write, name, holds });
    return {};
  });
  const jobs = createJobs({ database, services, workflows: [own], channel: createTestChannel({ services: [] }), log });
  for (const { name: part, migrations } of jobs.schema) await migrate(database, { part, migrations });
  await jobs.start();
  const channel = createTestChannel({ services: [standIn(HiringServiceDefinition, {}), ...jobs.services] });
  return async (does) => {
    const request = { person: JSON.stringify(does) };
    const operation = await database.transaction((tx) => jobs.runs.enqueue(tx, own, { request }));
    jobs.nudge();
    await waitFor(hire, operation, { channel, timeoutMs: 600_000 });
  };
}

/** Its data sources, by which a transaction would be a step, are of version 4, and don't start with version 5. */
async function dbos({ url, name = 'pay', holds, replica = 'one', version = '1' }) {
  const { DBOS } = await import('@dbos-inc/dbos-sdk');
  const database = createPool({ url });
  const step = (named, work) => DBOS.runStep(async () => work(), { name: named });
  const write = (named) => step(named, () => insert(database, named));
  const run = DBOS.registerWorkflow((does) => body(does, { step, write, name, holds }), { name: 'function' });
  const process = { systemDatabaseUrl: url, executorID: replica, applicationVersion: version };
  DBOS.setConfig({ name: 'bench', ...process, logLevel: 'error', runAdminServer: false });
  await DBOS.launch();
  return async (does) => await (await DBOS.startWorkflow(run)(does)).getResult();
}

async function rateOf(count, work) {
  const beganAt = performance.now();
  await work();
  return (count * 1_000) / (performance.now() - beganAt);
}

let start;
answerParent({
  async open({ contender, ...options }) {
    start = await CONTENDERS[contender](options);
  },
  /** Functions of one step a second, ten at once; steps a second of one function, and steps that write. */
  async rates(count) {
    const left = Array.from({ length: count }).values();
    const starts = async () => {
      for (const _ of left) await start({ kind: 'steps', count: 1 });
    };
    await start({ kind: 'writes', count: 10 });
    return [
      await rateOf(count, () => Promise.all(Array.from({ length: AT_ONCE }, starts))),
      await rateOf(count, () => start({ kind: 'steps', count })),
      await rateOf(count, () => start({ kind: 'writes', count })),
    ];
  },
  /** Begins a function, and resolves once it is in the step in which the process is killed. */
  hold: () =>
    new Promise((resolve) => {
      begun = () => resolve();
      void start({ kind: 'held', count: 3 });
    }),
});
