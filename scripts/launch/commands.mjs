/** What a running system can be told. */
import { REGISTRY, readManifest, serviceFolders } from './manifests.mjs';

/**
 * @typedef {object} Request
 * @property {'start' | 'stop' | 'forget' | 'restart' | 'status'} command `stop` keeps a service away
 *   until it is started again, `forget` until it has a folder.
 * @property {string} [service] The folder under services/.
 */

/**
 * @typedef {(request: Request, log: (line: string) => void) => Promise<import('./ready.mjs').Row[]>} Execute Does what
 *   is asked for, one request after the other, and resolves to the rows that it concerns.
 */

/**
 * @param {{ system: import('./system.mjs').System, turn: ReturnType<import('./turns.mjs').createTurns>,
 *   held: Set<string>, signal: AbortSignal }} options `turn` is shared with whatever else starts and stops services;
 *   `held` is told which services are to stay away; the signal ends what waits.
 * @returns {Execute}
 */
export function createCommands({ system, turn, held, signal }) {
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
  const restart = async (request, log) => {
    requireManifest(request.service);
    await system.stop(request.service);
    return start(request, log);
  };
  const commands = { start, stop, forget, restart };
  return (request, log) =>
    request.command === 'status' ? system.rows() : turn(() => commands[request.command](request, log));
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
