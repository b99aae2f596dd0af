/** The whole system on this machine: `npm start -- [--data DIR] [--port-base N]`. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';
import { startChild, stopChildren } from './launch/children.mjs';
import { startDatabases } from './launch/database.mjs';
import { parseOptions } from './launch/options.mjs';
import { plan } from './launch/plan.mjs';
import { requireFreePorts } from './launch/ports.mjs';
import { untilReady } from './launch/ready.mjs';
import { summary } from './launch/summary.mjs';
import { root } from './process.mjs';

const PARENT_POLL_MS = 500;

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code, once everything has stopped.
 */
export async function main(args) {
  const startedAt = performance.now();
  const stop = stopRequest();
  try {
    const options = parseOptions(args);
    const processes = plan(options.portBase);
    await requireFreePorts(processes, options.portBase);
    if (!(await build()) || stop.requested) return 1;
    return await run({ options, processes, stop, startedAt });
  } catch (error) {
    console.error(`npm start: ${error.message}`);
    return 1;
  }
}

async function run({ options, processes, stop, startedAt }) {
  const { data, portBase } = options;
  const names = processes.flatMap(({ database }) => database ?? []);
  const databases = await startDatabases({ data, portBase, names, log: () => {} });
  const registry = `127.0.0.1:${portBase}`;
  const warn = (line) => stop.requested || console.warn(line);
  const children = [];
  stop.onSecond(() => {
    for (const { kill } of children) kill('SIGKILL');
  });
  const launch = (planned) => {
    const env = { RONDO_LISTEN: `127.0.0.1:${planned.port}`, RONDO_REGISTRY: registry };
    if (planned.database !== undefined) env.DATABASE_URL = databases.urls.get(planned.database);
    children.push(startChild(planned, { data, env, warn }));
  };
  const stopped = stop.promise.then(() => undefined);
  const ready = (wanted) =>
    Promise.race([untilReady(registry, { names: wanted, failed: firstToEnd(children) }), stopped]);
  try {
    const [first, ...others] = processes;
    launch(first);
    await ready([]);
    if (!stop.requested) for (const planned of others) launch(planned);
    writePids(data, children);
    const rows = await ready(others.map(({ name }) => name));
    if (rows !== undefined) {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const isDefault = portBase === 50_050 && data === path.join(root, '.rondo');
      console.log(summary({ rows, registry, database: databases.address, seconds, options, isDefault }));
      for (const { name, ended } of children) ended.then((how) => warn(`${name} has ended (${how})`));
    }
    console.log(`\nStopping (${await stop.promise}) …`);
    return 0;
  } finally {
    stop.requested = true;
    await stopAll(children);
    await databases.stop();
    rmSync(pidFile(data), { force: true });
  }
}

/** For whoever wants to signal one of them. */
function writePids(data, children) {
  const pids = Object.fromEntries(children.map(({ name, pid }) => [name, pid]));
  writeFileSync(pidFile(data), `${JSON.stringify(pids, null, 2)}\n`);
}

const pidFile = (data) => path.join(data, 'processes.json');

/** The services first, so that each says goodbye to a registry that still listens. */
async function stopAll([registry, ...services]) {
  await stopChildren(services);
  await stopChildren([registry]);
}

/** Rejects when the first child ends, with the end of what it said. */
function firstToEnd(children) {
  const failed = Promise.race(
    children.map(async ({ name, ended, lastLines }) => {
      const how = await ended;
      throw new Error([`${name} has ended (${how})`, ...lastLines()].join('\n  '));
    }),
  );
  failed.catch(() => undefined); // once all is up, each end is a line of its own
  return failed;
}

/** A wish to stop: Ctrl-C, SIGTERM, a closed terminal, or the death of the npm that started this. */
function stopRequest() {
  const request = { requested: false, promise: Promise.resolve(''), onSecond: (_callback) => {} };
  let second = () => {};
  request.onSecond = (callback) => {
    second = callback;
  };
  request.promise = new Promise((resolve) => {
    const ask = (why) => {
      if (request.requested) second();
      request.requested = true;
      resolve(why);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, ask);
    const parent = process.ppid;
    const byNpm = process.env.npm_lifecycle_event !== undefined;
    const poll = setInterval(() => byNpm && process.ppid !== parent && ask('npm has gone'), PARENT_POLL_MS);
    poll.unref();
  });
  return request;
}
