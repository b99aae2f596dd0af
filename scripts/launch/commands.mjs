/** What a running system can be told. */
/** What became of each process of the system. */
import { REGISTRY, readManifest, serviceFolders, tryManifests } from './manifests.mjs';
import { POSTGRES, plan } from './plan.mjs';

/**
 * @typedef {object} Request
 * @property {'start' | 'stop' | 'forget' | 'restart' | 'status' | 'processes'} command `stop` keeps a service away
 *   until it is started again, `forget` until it has a folder. `status` lists what takes calls, `processes` what became
 *   of each process.
 * @property {string} [service] The folder under services/, to start, stop or forget.
 * @property {string} [name] What to restart: a service, one of its instances, or `postgres`.
 */

/**
 * @typedef {object} Answer
 * @property {import('./ready.mjs').Row[]} rows The instances that the request concerns, as they take calls now.
 * @property {import('./standing.mjs').Process[]} [processes]
 */

/**
 * @typedef {(request: Request, log: (line: string) => void) => Promise<Answer>} Execute Does what is asked for, one
 *   request after the other; what only lists waits for none.
 */

/**
 * @param {import('./launcher.mjs').Session} session Its `turn` is shared with whatever else starts and stops services;
 *   `held` is told which services are to stay away.
 * @returns {Execute}
 */
export function createCommands(session) {
  const { system, databases, turn, held } = session;
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
    if (service === REGISTRY) throw new Error('the registry is what the others stand on: Ctrl-C stops all of them');
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
    if (name !== service && system.running().has(service)) return system.restartInstance(name, signal);
    requireManifest(service);
    await system.stop(service);
    return start({ service }, log);
  };
  const commands = { start, stop, forget, restart };
  return async (request, log) => {
    const { command } = request;
    if (command === 'processes') return { rows: [], processes: listProcesses(session) };
    return { rows: await (command === 'status' ? system.rows() : turn(() => commands[command](request, log))) };
  };
}

/** Of a service or of one of its instances. */
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
  const services = serviceFolders();
  if (services.includes(service)) return readManifest(service);
  throw new Error(`there is no service "${service}" under services/; there are: ${services.join(', ')}`);
}

/**
 * @typedef {object} Process
 * @property {string} name An instance's id, or `postgres`.
 * @property {string} service The folder under services/, or `postgres`.
 * @property {'running' | 'stopped' | 'backoff' | 'starting' | 'failed' | 'ended'} state As a supervisor's
 *   {@link import('./supervisor.mjs').Standing} tells; `stopped` on request, or never started.
 * @property {number} [pid] Of one that runs.
 * @property {number} [exits] That were not asked for, within the last minute; likewise `lastExit` and `restartInMs`.
 */

/**
 * All processes that run, or are to run. It answers whether the registry does or not.
 * @param {{ system: import('./system.mjs').System, databases: import('./database.mjs').Databases,
 *   supervisor: import('./supervisor.mjs').Supervisor, options: import('./options.mjs').Options }} session
 * @returns {Process[]}
 */
function listProcesses({ system, databases, supervisor, options }) {
  const found = new Map();
  const add = (name, service, { pid, isRunning }) => {
    const standing = supervisor.standingOf(name) ?? { state: isRunning ? 'running' : 'stopped' };
    found.set(name, { name, service, ...(isRunning && { pid }), ...standing });
  };
  const server = databases.process();
  if (server !== undefined) add(POSTGRES, POSTGRES, server);
  for (const [service, { children }] of system.running()) {
    for (const { name, pid, isRunning } of children) add(name, service, { pid, isRunning: isRunning() });
  }
  for (const { name, service } of plan([...tryManifests().manifests.values()], options.portBase)) {
    if (!found.has(name)) add(name, service, { isRunning: false });
  }
  return [...found.values()];
}
