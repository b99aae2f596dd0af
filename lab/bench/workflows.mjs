import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createPool, migrate } from '@rondo/database';
import { startPostgres } from '@rondo/harness/postgres';
import { createJobs, days, workflow } from '@rondo/jobs';
import { silentLogger as log } from '@rondo/rpc/call';
import { createTestChannel, standIn } from '@rondo/rpc/testing';
import { figure, median, show, table } from './report/figures.mjs';

/** The steps whose pauses are compared, and how many there are of each. */
const [AT, AROUND] = [[10, 1_000], 50];
const { hire } = HiringServiceDefinition.methods;
const { doChore } = ChoreServiceDefinition.methods;

/** The pause between two steps of one run, early and late; and a worker and its jobs without runs, then next to those that sleep. */
export const benchmark = {
  name: 'workflows',
  summary: 'the pause between steps of a long run, and jobs next to runs that sleep',
  options: {
    rounds: { type: 'count', default: 5, help: 'how often each is measured; the figures are the medians' },
    sleeping: { type: 'count', default: 10_000, help: 'how many runs sleep' },
    jobs: { type: 'count', default: 200, help: 'how many jobs are timed, one after the other' },
  },
  async run({ rounds, sleeping, jobs }, { onClose }) {
    const postgres = await startPostgres();
    onClose(() => postgres.stop());
    const pauses = AT.map(() => []);
    const longRun = workflow(hire, async (_request, run) => {
      const times = [];
      for (let step = 0; step <= Math.max(...AT) + AROUND; step += 1)
        times.push(await run.step(`${step}`, () => performance.now()));
      AT.forEach((at, index) => {
        const gaps = Array.from({ length: AROUND }, (_, next) => times[at + next] - times[at + next - 1]);
        pauses[index].push(median(gaps));
      });
      return {};
    });
    const done = new Map();
    const services = [standIn(ChoreServiceDefinition, { doChore: ({ chore }) => ({ ...done.get(chore)?.() }) })];
    const own = [HiringServiceDefinition, { ...ChoreServiceDefinition, methods: { doChore } }];
    const begin = (database) =>
      createJobs({ database, services: own, workflows: [longRun], channel: createTestChannel({ services }), log });
    const databaseOf = async (asleep) => {
      const database = createPool({ url: await postgres.createDatabase(`sleeping_${asleep}`) });
      onClose(() => database.close());
      for (const { name: part, migrations } of begin(database).schema) await migrate(database, { part, migrations });
      await letSleep(database, asleep);
      return { asleep, database, measured: [] };
    };
    const systems = [await databaseOf(0), await databaseOf(sleeping)];
    const [{ database }] = systems;
    await measurePauses(begin(database), { database, longRun, rounds });
    show(table(['pauses', ...AT.map((at) => `at step ${at}, ms`), 'ratio'], [pausesRow(pauses)]));
    // One after the other, so that both see the same machine; the first of each isn't counted.
    for (let round = 0; round <= rounds; round += 1)
      for (const { database, measured } of systems)
        measured.push(await measureWorker(begin(database), { database, done, jobs }));
    const rows = systems.map(({ asleep, measured }) => {
      const of = (key) => figure(median(measured.slice(1).map((figures) => figures[key])));
      return [asleep, of('start'), of('job'), of('stop')];
    });
    show(table(['runs that sleep', 'start, ms', 'a job, ms', 'stop, ms'], rows));
  },
};

const pausesRow = (pauses) => {
  const [early, late] = pauses.map(median);
  return ['between two steps', figure(early), figure(late), (late / early).toFixed(2)];
};

async function measurePauses(worker, { database, longRun, rounds }) {
  await worker.start();
  for (let round = 0; round < rounds; round += 1) {
    await database.transaction((tx) => worker.runs.enqueue(tx, longRun, { request: {} }));
    worker.nudge();
    const open = 'SELECT FROM workflow_runs WHERE end_time IS NULL';
    while ((await database.query(open)).length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await worker.stop();
}

/** Stores runs that sleep for a day, as a server knows them that has had time to count them. */
async function letSleep(database, count) {
  await database.query(
    `WITH run AS (
       INSERT INTO workflow_runs (id, method, caller, key, fingerprint, request, traceparent, timeline)
       SELECT lpad(number::text, 26, '0'), $1, '', number, '', '', '', 1 FROM generate_series(1, $2::integer) AS number RETURNING id, method)
     INSERT INTO jobs (method, key, request, due_time) SELECT replace(method, '/', '.'), id, '', now() + $3 * interval '1 ms' FROM run`,
    [`${HiringServiceDefinition.fullName}/${hire.name}`, count, days(1)],
  );
  await database.query('VACUUM (ANALYZE) jobs, workflow_runs');
}

/** How long a worker takes to start, for a job, and to stop. */
async function measureWorker(worker, { database, done, jobs }) {
  const timed = async (work) => {
    const beganAt = performance.now();
    await work();
    return performance.now() - beganAt;
  };
  const doOne = async (chore) => {
    const ended = new Promise((resolve) => done.set(chore, resolve));
    await database.transaction((tx) => worker.enqueue(tx, doChore, { request: { chore } }));
    worker.nudge();
    await ended;
  };
  const start = await timed(async () => {
    await worker.start();
    await doOne('first'); // it has looked at the database
  });
  const times = [];
  for (let index = 0; index < jobs; index += 1) times.push(await timed(() => doOne(`${index}`)));
  return { start, job: median(times), stop: await timed(() => worker.stop()) };
}
