/**
 * What those who watch are told: 200 watchers over three replicas of project-management, found by the registry, while
 * tasks change 200 times a second, connections break by chance, one replica is killed and another comes. Fails unless
 * each watcher was told each change once and in order, ends with what the database has, and the median is under 100 ms.
 *
 * `npm run bench:watch -- --help` tells what it can be told.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startChild } from './process/child.mjs';
import { cpuMs, waitedMs } from './process/cpu.mjs';
import { figure } from './report/table.mjs';
import { judge } from './watch/judge.mjs';
import { startSystem } from './watch/system.mjs';
import { position, truthOf } from './watch/truth.mjs';
import { createWriters } from './watch/writers.mjs';

const USAGE = `npm run bench:watch -- [options]
  --seconds N    how long tasks change: 20
  --watchers N   how many watch: 200
  --projects N   how many projects they share: 20
  --changes N    how many changes a second: 200
  --calm         nothing breaks, and nobody is killed
  --controls     further runs, of 5 s and 50 changes a second, that have to fail: watchers who come back without a token, or with an older one,
                 and replicas that aren't notified
`;
const REPLICAS = 3;
/** Those who share connections break together: so many parts of the watchers. */
const CHANNELS = 20;
const CUT_EVERY_MS = 500;
const CATCH_UP_MS = 15_000;
/** Little, so that a busy machine isn't what they fail by. */
const CONTROL = { seconds: 5, changes: 50 };
const WARM_UP = { changes: 50, seconds: 4 };
const CONTROLS = [
  { title: 'control: watchers that come back without a token', how: 'anew', misses: /^changes missed: [1-9]/ },
  { title: 'control: watchers that come back with an older token', how: 'behind', misses: /told twice: [1-9]/ },
  { title: 'control: replicas that are not notified', how: 'contract', silent: true, misses: /^change → watcher/ },
];

const options = understand();
const folder = mkdtempSync(path.join(tmpdir(), 'rondo-bench-'));
let system;
try {
  system = await startSystem({ folder });
  await Promise.all(Array.from({ length: REPLICAS }, async () => system.start(await system.newAddress())));
  console.log(`${availableParallelism()} cores, Node ${process.version}`);
  const holds = report(`${options.watchers} watchers of ${options.projects} projects`, await run({ how: 'contract' }));
  const bites = options.controls ? await runControls() : true;
  if (!holds || !bites) process.exitCode = 1;
} finally {
  await system?.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function run({ how, seconds = options.seconds, changes = options.changes }) {
  const writers = createWriters(system.registry);
  const watchers = startChild(new URL('./watch/watchers-main.mjs', import.meta.url), { env: {} });
  try {
    const tasks = await writers.makeProjects(options.projects);
    const names = [...tasks.keys()];
    await writers.write([...tasks.values()].flat(), WARM_UP);
    const after = await position(system.database);
    const newcomer = await system.newAddress();
    const replicas = [...system.replicas.map(({ address }) => address), newcomer];
    const { registry } = system;
    await watchers.ask('start', { registry, replicas, names, watchers: options.watchers, channels: CHANNELS, how });
    const spent = meter(watchers.pid);
    const writing = writers.write([...tasks.values()].flat(), { changes, seconds });
    const disturbing = options.calm ? undefined : disturb(watchers, { seconds, newcomer });
    const [outcomes] = await Promise.all([writing, disturbing]);
    const truth = await truthOf(system.database, { names, after });
    const expected = new Map(names.map((name) => [name, truth.told.get(name).length]));
    spent.stop();
    const seen = await watchers.ask('finish', { expected, waitMs: CATCH_UP_MS });
    return [...judge({ seen, truth, outcomes, calm: options.calm }), ...spent.tell(outcomes.done.length)];
  } finally {
    writers.close();
    await watchers.close();
  }
}

/** What a change costs; and how far the figures are the machine's, as others had its processors. Linux alone tells. */
function meter(watchers) {
  if (!existsSync('/proc/self/schedstat')) return { stop: () => undefined, tell: () => [] };
  const read = () => ({ ...system.usedMs(), watchers: cpuMs(watchers), writers: cpuMs(process.pid) });
  const beginAt = performance.now();
  const [before, waitedBefore] = [read(), waitedMs(watchers)];
  let costs;
  let share;
  return {
    stop() {
      const after = read();
      costs = Object.entries(after).map(([who, ms]) => [who, ms - before[who]]);
      share = (waitedMs(watchers) - waitedBefore) / (performance.now() - beginAt);
    },
    tell(changes) {
      const each = costs.map(([who, ms]) => `${who} ${figure(ms / changes)}`).join(', ');
      const waited = `the watchers waited for a processor ${figure(share * 100)} % of the time`;
      return [{ text: `processor time of a change, ms: ${each}; ${waited}`, holds: true }];
    },
  };
}

/** Connections break by chance all the time; after a third of it a replica is killed, and another is started. */
async function disturb(watchers, { seconds, newcomer }) {
  const endAt = performance.now() + seconds * 1000;
  const cutting = async () => {
    while (performance.now() < endAt) {
      await sleep(Math.random() * 2 * CUT_EVERY_MS);
      await watchers.ask('cut', Math.floor(Math.random() * CHANNELS));
    }
  };
  const replacing = async () => {
    await sleep((seconds * 1000) / 3);
    await system.kill();
    await system.start(newcomer);
  };
  await Promise.all([cutting(), replacing()]);
}

async function runControls() {
  let bites = true;
  for (const { title, how, silent = false, misses } of CONTROLS) {
    const hear = silent ? await silence(system.database) : async () => undefined;
    const findings = await run({ how, ...CONTROL }).finally(hear);
    report(title, findings);
    const bitten = findings.some(({ text, holds }) => !holds && misses.test(text));
    console.log(bitten ? 'it fails, as it should\n' : 'MISSED: this run should fail by that\n');
    bites = bites && bitten;
  }
  return bites;
}

/** No replica is notified any more, until the returned function is called. */
async function silence(database) {
  const { definition } = await database.one(`SELECT pg_get_functiondef('sync_relay'::regproc) AS definition`);
  const silent = definition.replace(/PERFORM pg_notify\([^;]*\);/, 'NULL;');
  if (silent === definition) throw new Error('sync_relay notifies in another way than this control knows');
  await database.query(silent);
  return () => database.query(definition);
}

function report(title, findings) {
  const lines = findings.map(({ text, holds }) => `  ${holds ? '      ' : 'MISSED'}  ${text}`);
  console.log([title, ...lines, ''].join('\n'));
  return findings.every(({ holds }) => holds);
}

function understand() {
  const whole = { seconds: '20', watchers: '200', projects: '20', changes: '200' };
  const numbers = Object.entries(whole).map(([name, value]) => [name, { type: 'string', default: value }]);
  const flags = {
    calm: { type: 'boolean', default: false },
    controls: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  };
  const { values } = parseArgs({ options: { ...Object.fromEntries(numbers), ...flags } });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  for (const name of Object.keys(whole)) {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) {
      console.error(`--${name} must be a whole number of at least 1; it is "${values[name]}"\n\n${USAGE}`);
      process.exit(2);
    }
    values[name] = value;
  }
  return values;
}
