/** The requests that a running system takes. */
import { folderOf, REGISTRY, readManifest, serviceNames, tryManifests } from './manifests.mjs';
import { POSTGRES, plan } from './plan.mjs';

/**
 * @typedef {object} Request
 * @property {'start' | 'stop' | 'forget' | 'restart' | 'scale' | 'reset' | 'database' | 'status' | 'processes'} command `stop` keeps a service
 *   down until it is started again, `forget` until its folder exists again. `status` lists the instances that take calls,
 *   `processes` the states of all processes. `reset` empties the database of a service; `database` returns its URL in place of
 *   an address.
 * @property {string} [service] The folder under services/, for all but restart.
 * @property {number} [instances] How many of the service shall run, for scale.
 * @property {string} [name] What to restart: a service, an instance, or `postgres`.
 */

/**
 * @typedef {object} Answer
 * @property {import('./ready.mjs').Row[]} rows The instances that the request concerns and that take calls now.
 * @property {Process[]} [processes]
 */

/**
 * @typedef {(request: Request, log: (line: string) => void) => Promise<Answer>} Execute Carries out requests one after the
 *   other. Requests that only list don't wait for others.
 */

/**
 * @param {import('./launcher.mjs').Session} session `exclusively` is shared with all that starts and stops
 *   services; `held` gets the services that must stay down.
 * @returns {Execute}
 */
export function createCommands(session) {
  const { system, databases, exclusively, held } = session;
  const { signal } = session.stop;
  const start = async ({ service }, log) => {
    const manifest = requireManifest(service);
    held.delete(service);
    const entry = system.running().get(service);
    if (entry?.children.every(({ isRunning }) => isRunning())) {
      log(`${service} runs already`);
      return rowsOf(system, service);
    }
    await system.stop(service);
    return system.start(manifest, signal);
  };
  const forget = async ({ service }, log) => {
    if (service === REGISTRY) throw new Error('all services need the registry: Ctrl-C stops the whole system');
    if (!system.running().has(service)) log(`${service} doesn't run`);
    await system.stop(service);
    return [];
  };
  const stop = async (request, log) => {
    const rows = await forget(request, log);
    held.add(request.service);
    return rows;
  };
  const restart = async ({ name }, log) => {
    if (name === POSTGRES) {
      await databases.restart();
      return [{ name, address: databases.address, services: [] }];
    }
    const service = serviceOf(name, listProcesses(session));
    held.delete(service);
    const entry = system.running().get(service);
    if (entry === undefined) return start({ service }, log);
    if (name === service) return system.replace(requireManifest(service), signal);
    return system.replace(entry.manifest, signal, name);
  };
  const scale = async ({ service, instances }) => {
    requireManifest(service);
    if (service === REGISTRY)
      throw new Error("npm start runs one registry; Rondo's docs/guides/run-a-system.md has more");
    await system.scale(service, instances, signal);
    return rowsOf(system, service);
  };
  const reset = ({ service }, log) => restart({ name: service }, log);
  const commands = { start, stop, forget, restart, scale, reset };
  return async (request, log) => {
    const { command } = request;
    if (command === 'processes') return { rows: [], processes: listProcesses(session) };
    if (command === 'database') {
      const address = await databases.urlOf(databaseOf(request.service));
      return { rows: [{ name: request.service, address, services: [] }] };
    }
    // Not in turn: a start that waits for the service may be waiting for this.
    if (command === 'reset') await databases.reset(databaseOf(request.service));
    return { rows: await (command === 'status' ? system.rows() : exclusively(() => commands[command](request, log))) };
  };
}

/** The service that `name`, a service or an instance, belongs to. */
function serviceOf(name, processes) {
  const found = processes.find((one) => one.service === name || one.name === name);
  if (found !== undefined) return found.service;
  const known = [...new Set(processes.flatMap((one) => [one.service, one.name]))];
  throw new Error(`there is nothing called "${name}" to restart; there are: ${known.join(', ')}`);
}

async function rowsOf(system, service) {
  const rows = await system.rows();
  return rows.filter(({ name }) =>
    system
      .running()
      .get(service)
      ?.children.some((child) => child.name === name),
  );
}

function requireManifest(service) {
  const services = serviceNames();
  if (services.includes(service)) return readManifest(service);
  throw new Error(`there is no service "${service}"; there are: ${services.join(', ')}`);
}

function databaseOf(service) {
  const { database } = requireManifest(service);
  if (database !== undefined) return database;
  throw new Error(`${service} has no database: "rondo.database" in ${folderOf(service)}/package.json names one`);
}

/**
 * @typedef {object} Process
 * @property {string} name An instance's id, or `postgres`.
 * @property {string} service The folder under services/, or `postgres`.
 * @property {'running' | 'stopped' | 'backoff' | 'starting' | 'failed' | 'ended'} state The
 *   supervisor's {@link import('./supervisor.mjs').ProcessState}; `stopped` on request, or never started.
 * @property {number} [pid] If it runs.
 * @property {number} [exits] Exits that weren't requested, within the last minute; likewise `lastExit` and `restartInMs`.
 */

/**
 * All processes that run or should run. It doesn't need the registry.
 * @param {{ system: import('./system.mjs').System, databases: import('./database.mjs').Databases,
 *   supervisor: import('./supervisor.mjs').Supervisor, options: import('./options.mjs').Options }} session
 * @returns {Process[]}
 */
function listProcesses({ system, databases, supervisor, options }) {
  const found = new Map();
  const add = (name, service, { pid, isRunning }) => {
    const state = supervisor.stateOf(name) ?? { state: isRunning ? 'running' : 'stopped' };
    found.set(name, { name, service, ...(isRunning && { pid }), ...state });
  };
  const server = databases.process();
  if (server !== undefined) add(POSTGRES, POSTGRES, server);
  for (const [service, { children }] of system.running()) {
    for (const { name, pid, isRunning } of children) add(name, service, { pid, isRunning: isRunning() });
  }
  for (const { name, service } of plan([...tryManifests().manifests.values()], options.portBase)) {
    if (!system.running().has(service)) add(name, service, { isRunning: false });
  }
  return [...found.values()];
}
