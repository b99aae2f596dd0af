/** What a running system can be told. */
import { REGISTRY, readManifest, serviceFolders } from './manifests.mjs';
import { POSTGRES } from './plan.mjs';
import { listProcesses } from './standing.mjs';

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
