/** Starts a system from a command line, and stops it: the part that `npm start` and `rondo dev` share. */

import { createMutex } from '../workspace/concurrency.js';
import { step } from '../workspace/steps.js';
import { authVariables } from './authentication.mjs';
import { prepareCertificates } from './certificates.mjs';
import { createCommands } from './commands.mjs';
import { openControl } from './control.mjs';
import { requireUsable, withDataFolder } from './data-folder.mjs';
import { databaseServer, startDatabases } from './database.mjs';
import { readManifests } from './manifests.mjs';
import { dataFlag, loadRootEnv, parseOptions, startBeside, startElsewhere } from './options.mjs';
import { plan, portsOf, requireFreePorts } from './plan.mjs';
import { stopRequest } from './stop.mjs';
import { createSupervisor } from './supervisor.mjs';
import { createSystem } from './system.mjs';

/**
 * @typedef {object} Session
 * @property {import('./options.mjs').Options} options
 * @property {import('./database.mjs').Databases} databases
 * @property {import('./system.mjs').System} system
 * @property {import('./supervisor.mjs').Supervisor} supervisor
 * @property {ReturnType<typeof createMutex>} exclusively Runs work that starts or stops services, one after the other.
 * @property {Set<string>} held Services that were stopped on request.
 * @property {import('./stop.mjs').StopRequest} stop
 * @property {number} startedAt
 */

/**
 * @typedef {object} Launch
 * @property {string} command What the user typed: `npm start`.
 * @property {string[]} args
 * @property {(stop: import('./stop.mjs').StopRequest) => Promise<boolean>} build False if nothing can be started; it has
 *   printed why.
 * @property {(session: Session) => Promise<void>} bringUp Starts the services.
 * @property {(session: Session) => Promise<void>} attend Works until a stop is requested.
 * @property {Pick<Parameters<typeof createSystem>[0], 'env' | 'versionOf'>} [settings]
 */

/**
 * @param {Launch} launch
 * @returns {Promise<number>} the exit code, once everything has stopped.
 */
export async function runLauncher(launch) {
  const { command, args, build } = launch;
  const startedAt = performance.now();
  const stop = stopRequest();
  try {
    loadRootEnv();
    const options = parseOptions(args, command);
    if (options.help !== undefined) {
      console.log(options.help);
      return 0;
    }
    const otherwise = `choose another folder: ${startElsewhere(command)}`;
    const server = databaseServer(options);
    const planned = plan(readManifests(), options.portBase);
    await requireFreePorts(
      [...portsOf(planned), server, ...(options.metrics ? planned.map(metricsListener) : [])],
      `Stop what listens there, or start beside it: ${startBeside(command, options)}`,
      stop.signal,
    );
    requireUsable(options.data, otherwise);
    if (process.env.RONDO_METRICS) {
      console.warn(`${command}: RONDO_METRICS is one address, and many processes run: --metrics gives each its own`);
    }
    if (!(await build(stop)) || stop.signal.aborted) return 1;
    return await withDataFolder(options.data, { purpose: command, otherwise, signal: stop.signal }, () =>
      withDatabases({ launch, options, server, stop, startedAt }),
    );
  } catch (error) {
    // An error after Ctrl-C is no fault. The signal may arrive late, as initdb blocks the event loop.
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (stop.signal.aborted) return 1;
    stop.close(); // first: a signal that answers the line would be taken for a request to stop, and lost
    console.error(`${command}: ${error.message}`);
    return 1;
  } finally {
    stop.close();
  }
}

function metricsListener({ name, metricsPort }) {
  if (metricsPort <= 65_535) return { name: `metrics of ${name}`, port: metricsPort };
  throw new Error(
    `--metrics: ${name} would serve them at ${metricsPort}; take a lower --port-base, or give it a lower port`,
  );
}

async function withDatabases({ launch, options, server, stop, startedAt }) {
  const supervisor = supervise(options, stop.signal);
  await prepareCertificates(
    options,
    readManifests().map(({ service }) => service),
  );
  const names = [...new Set(readManifests().flatMap(({ database }) => database ?? []))];
  const { databases } = await step('database', async () => {
    const started = await startDatabases({ data: options.data, server, supervisor });
    try {
      await started.provide(names);
    } catch (error) {
      await started.stop();
      throw error;
    }
    return { code: 0, databases: started };
  });
  try {
    return await withSystem({ launch, options, databases, supervisor, stop, startedAt });
  } finally {
    await databases.stop();
  }
}

/** Makes the supervisor. It restarts nothing after a request to stop. */
function supervise({ data, restarts }, signal) {
  const flag = dataFlag(data);
  const hint = (name) => ({ logs: `./rondo logs ${name}${flag}`, restart: `./rondo restart ${name}${flag}` });
  const supervisor = createSupervisor({ restarts, tell: (line) => console.warn(line), hint });
  signal.addEventListener('abort', supervisor.close, { once: true });
  if (signal.aborted) supervisor.close();
  return supervisor;
}

async function withSystem({ launch, options, databases, supervisor, stop, startedAt }) {
  const { bringUp, attend, settings } = launch;
  const warn = (line) => stop.signal.aborted || console.warn(line);
  const env = { ...settings?.env, ...(await authVariables(options.auth)) };
  const system = createSystem({ options, databases, supervisor, warn, ...settings, env });
  stop.onSecond(system.kill);
  const { signal } = stop;
  const session = {
    options,
    databases,
    system,
    supervisor,
    exclusively: createMutex(),
    held: new Set(),
    stop,
    startedAt,
  };
  let control;
  try {
    // Before the services, as the remedy for one that doesn't become ready may be a request.
    const execute = createCommands(session);
    if (!signal.aborted) control = await openControl({ data: options.data, registry: system.registry, execute });
    await bringUp(session);
    if (!signal.aborted) await attend(session);
    console.log(`\nStopping (${await stop.promise}) …`);
    return 0;
  } finally {
    await control?.close();
    await system.close();
  }
}
