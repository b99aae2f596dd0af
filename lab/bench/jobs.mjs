import { startWorker } from '@rondo/harness';
import { startPostgres } from '@rondo/harness/postgres';
import { installPeers, versionOf } from './peers/install.mjs';
import { onDatabase } from './peers/jobs/on-database.mjs';
import { figure, median, quantiles, show, table } from './report/figures.mjs';

const PROCESS = new URL('./peers/jobs/main.mjs', import.meta.url);
/** In milliseconds. Jobs of a second ahead are found by what polls. */
const AHEAD_MS = 1_000;
/** The peers need it. */
const PEERS_NODE = 22;
const [MAX_SLOWER, MAX_GROWTH] = [2, 1.5];
/** As many jobs are stored by one statement. */
const PART = 20_000;

/**
 * Jobs a second, each of which writes one row in its transaction, and how late they begin, compared with other queues in PostgreSQL; how late
 * the next one begins while a million wait; and how large the table gets. PostgreSQL flushes to the disk.
 */
export const benchmark = {
  name: 'jobs',
  summary: 'jobs a second and how late they begin, compared with pg-boss and graphile-worker on Node 24',
  options: {
    rounds: { type: 'count', default: 3, help: 'how often each queue has its turn; the figures are the medians' },
    jobs: { type: 'count', default: 5_000, help: 'how many jobs a queue has when it starts' },
    samples: { type: 'count', default: 50, help: 'how many single jobs are timed in a turn' },
    waiting: { type: 'count', default: 1_000_000, help: 'how many jobs wait for their time' },
    seconds: { type: 'count', default: 240, help: 'how long the table is watched under a steady load' },
  },
  async run({ rounds, jobs, samples, waiting, seconds }, { onClose }) {
    const postgres = await startPostgres();
    onClose(() => postgres.stop());
    const names = ['rondo', ...(await peers())];
    const turns = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1)
      for (const name of names) turns[name].push(await turn(name, { jobs, samples }, postgres));
    const rows = names.map((name) => {
      const of = (key) => figure(median(turns[name].map((one) => one[key])));
      return [name, versionOf(name) ?? '', of('rate'), of('now'), of('nowMax'), of('later'), of('laterMax')];
    });
    const latency = (what) => [`${what}, ms`, 'latest'];
    show(table(['queue', 'version', 'jobs/s', ...latency('begins after'), ...latency('begins late')], rows));
    await costs(samples, postgres);
    const holds = await nextToWaiting(waiting, samples, postgres);
    return (await steady(seconds, postgres)) && holds;
  },
};

/** The other queues that run here. */
async function peers() {
  if (Number.parseInt(process.versions.node, 10) < PEERS_NODE) {
    show(`pg-boss and graphile-worker need Node ${PEERS_NODE}: this is ${process.version}, so Rondo runs alone`);
    return [];
  }
  const failure = await installPeers();
  if (failure === undefined) return ['pg-boss', 'graphile-worker'];
  show(failure);
  return [];
}

/** What a call, an event, a job and a transaction cost on this machine. */
async function costs(count, postgres) {
  const urls = [await postgres.createDatabase('here'), await postgres.createDatabase('there')];
  const worker = startWorker(PROCESS);
  const rows = await worker.ask('costs', { urls, count });
  await worker.close();
  const shown = rows.map(([name, ...figures]) => [name, ...figures.map(figure)]);
  show(table(['way', 'one at a time, ms', 'ten at once, a second', 'statements'], shown));
}

/** Runs `use` with a queue on a database of its own. */
const withQueue = (contender, postgres, use) =>
  onDatabase({ postgres, file: './main.mjs', contender }, async (open, database) => use(await open(), database));

const turn = (name, { jobs, samples }, postgres) =>
  withQueue(name, postgres, async (worker) => {
    const rate = await worker.ask('drain', jobs);
    const now = quantiles(await worker.ask('latencies', { count: samples, inMs: 0 }));
    const later = quantiles(await worker.ask('latencies', { count: Math.ceil(samples / 5), inMs: AHEAD_MS }));
    show(`${name}: ${figure(rate)} jobs/s`);
    return { rate, now: now.p50, nowMax: now.max, later: later.p50, laterMax: later.max };
  });

/** How late a job begins before and after many are stored, whose time is far. */
const nextToWaiting = (waiting, count, postgres) =>
  withQueue('rondo', postgres, async (worker, database) => {
    await worker.ask('drain', 100);
    const before = quantiles(await worker.ask('latencies', { count, inMs: 0 }));
    for (let first = 0; first < waiting; first += PART)
      await database.query(
        `INSERT INTO jobs (method, key, request, due_time) SELECT 'rondo.conformance.v1.ChoreService/DoChore', n::text, '',
          now() + interval '1 year' FROM generate_series($1::integer, $2::integer) AS n`,
        [first + 1, Math.min(waiting, first + PART)],
      );
    const after = quantiles(await worker.ask('latencies', { count, inMs: 0 }));
    show(`while ${figure(waiting)} jobs wait: ${figure(after.p50)} ms, and ${figure(before.p50)} ms without`);
    return after.p50 <= MAX_SLOWER * before.p50 + 1;
  });

/** Whether the table is no larger at the end of a load than at its half. */
const steady = (seconds, postgres) =>
  withQueue('rondo', postgres, async (worker, database) => {
    await worker.ask('drain', 100);
    const load = { seconds: Math.ceil(seconds / 6), perSecond: 50 };
    const sizes = [];
    for (let sixth = 0; sixth < 6; sixth += 1) {
      await worker.ask('steady', load);
      const { kib } = await database.one("SELECT (pg_total_relation_size('jobs') / 1024)::integer AS kib");
      sizes.push(kib);
      show(`the table has ${kib} KiB after ${sizes.length * load.seconds} s of ${load.perSecond} jobs/s`);
    }
    return sizes[5] <= MAX_GROWTH * sizes[2];
  });
