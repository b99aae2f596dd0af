import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '@rondo/harness/postgres';
import { installPeers, versionOf } from './peers/install.mjs';
import { onDatabase } from './peers/jobs/on-database.mjs';
import { figure, median, show, table } from './report/figures.mjs';

/** How long it is awaited that another process goes on. */
const PATIENCE_MS = 30_000;

/** What goes on after a kill: the options of a process. By itself DBOS takes a digest of the functions' sources for the version. */
const AFTER = [
  ['the same process again', {}],
  ['another replica, which ran already', { replica: 'two', isEarly: true }],
  ['a version with a step renamed', { name: 'charge', version: '2' }],
  ['a version with a step renamed, called the same', { name: 'charge' }],
];

/** Functions that go on after a crash: how many a second, and what goes on after a kill and after a deploy, compared with DBOS. */
export const benchmark = {
  name: 'durable',
  summary: 'workflows and steps a second, and what a kill and a deploy do to them, compared with DBOS',
  options: {
    rounds: { type: 'count', default: 3, help: 'how often each is measured; the figures are the medians' },
    count: { type: 'count', default: 500, help: 'how many workflows, and how many steps, are timed' },
  },
  async run({ rounds, count }, { onClose }) {
    const failure = await installPeers();
    if (failure !== undefined) show(failure);
    const names = failure === undefined ? ['rondo', 'dbos'] : ['rondo'];
    const postgres = await startPostgres();
    onClose(() => postgres.stop());
    const on = (contender, use) => onDatabase({ postgres, file: './durable.mjs', contender }, use);
    const rates = names.map(() => []);
    for (let round = 0; round < rounds; round += 1)
      for (const [index, name] of names.entries())
        rates[index].push(await on(name, async (open) => (await open({})).ask('rates', count)));
    const rows = names.map((name, index) => [
      name,
      ...rates[index][0].map((_, at) => figure(median(rates[index].map((all) => all[at])))),
    ]);
    const heading = ['of one step, a second', 'steps a second', 'writes a second'];
    show(table([`workflows (DBOS ${versionOf('@dbos-inc/dbos-sdk')})`, ...heading], rows));
    const after = [];
    for (const name of names)
      for (const [what, options] of AFTER)
        after.push([name, what, await on(name, (open, database) => goesOn(open, database, options))]);
    show(table(['workflows', 'killed; then there is', 'goes on'], after));
  },
};

/** How long after a kill a function goes on, in words; else what is stored of it. */
async function goesOn(open, database, { isEarly, ...options }) {
  const first = await open({ holds: true });
  await first.ask('hold');
  if (isEarly) await open(options); // not before: it could take the function itself
  await first.close();
  const killedAt = performance.now();
  if (!isEarly) await open(options);
  for (let ms = 0; ms < PATIENCE_MS; ms = performance.now() - killedAt) {
    if ((await database.query('SELECT FROM effects')).length > 0) return `after ${figure(ms / 1_000)} s`;
    await sleep(50);
  }
  const ofDbos = "SELECT status || coalesce(': ' || left(error, 200), '') AS state FROM dbos.workflow_status";
  const [row] = await database.query(ofDbos).catch(() => database.query('SELECT error AS state FROM jobs'));
  return `not in ${PATIENCE_MS / 1_000} s: ${row?.state}`;
}
