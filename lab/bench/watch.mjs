import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, startWorker, waitedMs } from '@rondo/harness';
import { figure, show } from './report/figures.mjs';
import { judge } from './watch/judge.mjs';
import { startSystem } from './watch/system.mjs';
import { position, truthOf } from './watch/truth.mjs';
import { createWriters } from './watch/writers.mjs';

const REPLICAS = 3;
/** So many channels carry the watches: watches that share one break together. */
const CHANNELS = 20;
const CUT_EVERY_MS = 500;
const CATCH_UP_MS = 15_000;
const WARM_UP = { changes: 50, seconds: 4 };
/** A light load, so that a control run doesn't fail because the machine is busy. */
const CONTROL = { seconds: 5, changes: 50 };
const CONTROLS = [
  { title: 'control: watchers that come back without a token', how: 'anew', misses: /^changes missed: [1-9]/ },
  { title: 'control: watchers that come back with an older token', how: 'behind', misses: /told twice: [1-9]/ },
  { title: 'control: replicas that are not notified', how: 'contract', silent: true, misses: /^change → watcher/ },
];

/**
 * What watchers of live updates receive, over three replicas of project-management found by the registry, while tasks change,
 * connections break by chance, one replica is killed and another starts. Each watcher must receive each change once and in
 * order and end with what the database has, and the median must be under 100 ms.
 */
export const benchmark = {
  name: 'watch',
  summary: 'whether each of 200 watchers receives each change once and in order, and how soon',
  options: {
    seconds: { type: 'count', default: 20, help: 'how long tasks change' },
    watchers: { type: 'count', default: 200, help: 'how many watch' },
    projects: { type: 'count', default: 20, help: 'how many projects they share' },
    changes: { type: 'count', default: 200, help: 'how many changes a second' },
    calm: { type: 'flag', help: 'no connection breaks, and no replica is killed' },
    controls: {
      type: 'flag',
      help: 'further runs, of 5 s and 50 changes a second, that must fail: watchers that come back without a token or with an older one, replicas that are not notified',
    },
  },
  async run(options, setting) {
    const system = await startSystem(setting);
    await Promise.all(Array.from({ length: REPLICAS }, async () => system.start(await system.newAddress())));
    const { watchers, projects } = options;
    const holds = report(
      `${watchers} watchers of ${projects} projects`,
      await watch(system, { ...options, how: 'contract' }),
    );
    return (options.controls ? await runControls(system, options) : true) && holds;
  },
};

/** One run; gives its findings. */
async function watch(system, { how, seconds, watchers: count, projects, changes, calm }) {
  const { registry, database } = system;
  const writers = createWriters(registry);
  const watchers = startWorker(new URL('./watch/watchers-main.mjs', import.meta.url));
  try {
    const tasks = await writers.makeProjects(projects);
    const all = [...tasks.values()].flat();
    const names = [...tasks.keys()];
    await writers.write(all, WARM_UP);
    const after = await position(database);
    const newcomer = await system.newAddress();
    const replicas = [...system.addresses(), newcomer];
    await watchers.ask('start', { registry, replicas, names, watchers: count, channels: CHANNELS, how });
    const cost = meter(system, watchers.pid);
    const writing = writers.write(all, { changes, seconds });
    const disturbing = calm ? undefined : disturb(system, { watchers, seconds, newcomer });
    const [outcomes] = await Promise.all([writing, disturbing]);
    const truth = await truthOf(database, { names, after });
    const expected = new Map(names.map((name) => [name, truth.told.get(name).length]));
    cost.stop();
    const seen = await watchers.ask('finish', { expected, waitMs: CATCH_UP_MS });
    return [...judge({ seen, truth, outcomes, calm }), ...cost.findings(outcomes.done.length)];
  } finally {
    writers.close();
    await watchers.close();
  }
}

/** What a change costs, and how long the watchers waited for a processor: then their times are the machine's. Linux only. */
function meter(system, watchers) {
  if (!existsSync('/proc/self/schedstat')) return { stop: () => undefined, findings: () => [] };
  const read = () => ({ ...system.usedMs(), watchers: cpuMs(watchers), writers: cpuMs(process.pid) });
  const beginAt = performance.now();
  const [before, waitedBefore] = [read(), waitedMs(watchers)];
  let costs;
  let share;
  return {
    stop() {
      costs = Object.entries(read()).map(([what, ms]) => [what, ms - before[what]]);
      share = (waitedMs(watchers) - waitedBefore) / (performance.now() - beginAt);
    },
    findings(changes) {
      const each = costs.map(([what, ms]) => `${what} ${figure(ms / changes)}`).join(', ');
      const waited = `the watchers waited for a processor ${figure(share * 100)} % of the time`;
      return [{ text: `processor time of a change, ms: ${each}; ${waited}`, holds: true }];
    },
  };
}

/** Breaks connections by chance all the time; after a third of it kills a replica, and starts another. */
async function disturb(system, { watchers, seconds, newcomer }) {
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

/** Whether each control run fails as it must. */
async function runControls(system, options) {
  let allFail = true;
  for (const { title, how, silent = false, misses } of CONTROLS) {
    const restore = silent ? await silence(system.database) : async () => undefined;
    const findings = await watch(system, { ...options, how, ...CONTROL }).finally(restore);
    report(title, findings);
    const fails = findings.some(({ text, holds }) => !holds && misses.test(text));
    show(fails ? 'it fails, as it should\n' : 'MISSED: this run should fail by that\n');
    allFail &&= fails;
  }
  return allFail;
}

/** Has no replica notified of changes, until the returned function is called. */
async function silence(database) {
  const { definition } = await database.one(`SELECT pg_get_functiondef('sync_relay'::regproc) AS definition`);
  const silent = definition.replace(/PERFORM pg_notify\([^;]*\);/, 'NULL;');
  if (silent === definition) throw new Error('sync_relay notifies in another way than this control knows');
  await database.query(silent);
  return () => database.query(definition);
}

/** Prints the findings; gives whether all hold. */
function report(title, findings) {
  const lines = findings.map(({ text, holds }) => `  ${holds ? '      ' : 'MISSED'}  ${text}`);
  show([title, ...lines, ''].join('\n'));
  return findings.every(({ holds }) => holds);
}
