/** The whole system on this machine: `npm start -- [--data DIR] [--port-base N]`. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';
import { startChild, stopChildren } from './launch/children.mjs';
import { requireUsable } from './launch/data-folder.mjs';
import { databaseServer, startDatabases } from './launch/database.mjs';
import { readManifests } from './launch/manifests.mjs';
import { parseOptions } from './launch/options.mjs';
import { plan } from './launch/plan.mjs';
import { requireFreePorts } from './launch/ports.mjs';
import { untilReady } from './launch/ready.mjs';
import { stopRequest } from './launch/stop.mjs';
import { summary } from './launch/summary.mjs';
import { step } from './steps.mjs';

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code, once everything has stopped.
 */
export async function main(args) {
  const startedAt = performance.now();
  const stop = stopRequest();
  try {
    const options = parseOptions(args);
    const processes = plan(readManifests(), options.portBase);
    const server = databaseServer(options);
    await requireFreePorts([...processes, server], options.portBase);
    requireUsable(options.data);
    if (!(await build()) || stop.requested) return 1;
    return await run({ options, processes, server, stop, startedAt });
  } catch (error) {
    // What a Ctrl-C cuts short on the way up is no fault. It may not have been heard yet: initdb blocks the event loop.
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (stop.requested) return 1;
    console.error(`npm start: ${error.message}`);
    return 1;
  }
}

async function run({ options, processes, server, stop, startedAt }) {
  const { data, portBase } = options;
  const names = [...new Set(processes.flatMap(({ database }) => database ?? []))];
  const { databases } = await step('database', async () => ({
    code: 0,
    databases: await startDatabases({ data, server, names, log: () => {} }),
  }));
  const registry = `127.0.0.1:${portBase}`;
  let stopping = false;
  const warn = (line) => stop.requested || stopping || console.warn(line);
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
  const launchAll = async () => {
    const [first, ...others] = processes;
    launch(first);
    await ready([]);
    if (!stop.requested) for (const planned of others) launch(planned);
    writePids(data, children);
    const rows = await ready(others.map(({ name }) => name));
    return rows === undefined ? { code: 0, skipped: true, note: 'told to stop' } : { code: 0, rows };
  };
  try {
    const { rows } = await step('services', launchAll);
    if (rows !== undefined) {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(summary({ rows, registry, database: databases, seconds, options }));
      for (const { name, ended } of children) ended.then((how) => warn(`${name} has ended (${how})`));
    }
    console.log(`\nStopping (${await stop.promise}) …`);
    return 0;
  } finally {
    stopping = true;
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
