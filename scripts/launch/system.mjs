/** The running services, each with the processes that its manifest asks for. */
import { existsSync } from 'node:fs';
import { entryOf } from './children.mjs';
import { removeProcesses, writeProcesses } from './data-folder.mjs';
import { REGISTRY } from './manifests.mjs';
import { plan, portsOf, requireFreePorts } from './plan.mjs';
import { createProcesses, registryRow } from './processes.mjs';
import { listReady } from './ready.mjs';

const PORT_REMEDY = 'Stop what listens there, or give the service another port in its package.json';

/**
 * @typedef {object} Running
 * @property {import('./manifests.mjs').Manifest} manifest As it was when the service was started.
 * @property {Record<string, string>} env The variables of its processes.
 * @property {import('./children.mjs').Child[]} children A process for each instance; a restart replaces it.
 * @property {string} version The version of the service when it was started, by `versionOf`.
 */

/**
 * @typedef {object} System
 * @property {string} registry Its address.
 * @property {(manifest: import('./manifests.mjs').Manifest, signal: AbortSignal) => Promise<import('./ready.mjs').Row[]>}
 *   start Resolves when all instances of a service take calls. Rejects with the last lines of an instance that ended: then all
 *   of them are stopped. Rejects if the signal aborts; then they go on starting.
 * @property {(service: string) => Promise<void>} stop Drains a service; does nothing if it doesn't run.
 * @property {(name: string, signal: AbortSignal) => Promise<import('./ready.mjs').Row[]>} restartInstance Drains an instance of a
 *   running service, and starts it again as `start` does.
 * @property {() => ReadonlyMap<string, Running>} running By service.
 * @property {() => Promise<import('./ready.mjs').Row[]>} rows The instances that take calls, the registry first.
 * @property {() => void} kill Kills all processes.
 * @property {() => Promise<void>} close Drains all services; the registry last, so that the others can deregister.
 */

/**
 * Makes a system that runs no service yet.
 * @param {{ options: import('./options.mjs').Options, databases: import('./database.mjs').Databases,
 *   supervisor: import('./supervisor.mjs').Supervisor, warn: (line: string) => void, env?: Record<string, string>,
 *   versionOf?: (manifest: import('./manifests.mjs').Manifest) => string }} settings
 * @returns {System}
 */
export function createSystem({ options, databases, supervisor, warn, env = {}, versionOf = () => '' }) {
  const { data, portBase, certs } = options;
  const registry = `127.0.0.1:${portBase}`;
  const running = new Map();
  const closing = new AbortController();
  let registryAway = false;

  // While the registry is stopped on request, every service would warn that it can't be reached.
  const tell = (line) => closing.signal.aborted || registryAway || warn(line);
  const note = () => writeProcesses(data, childrenOf(running));
  const processes = createProcesses({ options, supervisor, registry, warn: tell, note, signal: closing.signal });

  const begin = (manifest, databaseUrl) => {
    const own = { ...env, RONDO_REGISTRY: registry, ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }) };
    const entry = { manifest, env: own, children: [], version: versionOf(manifest) };
    entry.children = plan([manifest], portBase).map((planned) => processes.spawn(entry, planned));
    running.set(manifest.service, entry);
    note();
    return entry;
  };

  const stop = async (service) => {
    const entry = running.get(service);
    if (entry === undefined) return;
    if (service === REGISTRY) registryAway = true;
    await processes.stop(entry.children);
    if (running.get(service) === entry) running.delete(service);
    note();
  };

  const start = async (manifest, signal) => {
    const { service, database } = manifest;
    requireBuilt(service);
    await requireFreePorts(portsOf(plan([manifest], portBase)), PORT_REMEDY);
    const databaseUrl = database && (await databases.urlOf(database));
    if (closing.signal.aborted) throw new Error('the system stops');
    const entry = begin(manifest, databaseUrl);
    const rows = await processes.bringUp(entry, entry.children, { signal, giveUp: () => stop(service) });
    if (service === REGISTRY) registryAway = false;
    return rows;
  };

  const restartInstance = async (name, signal) => {
    const entry = [...running.values()].find(({ children }) => children.some((child) => child.name === name));
    if (entry === undefined) throw new Error(`${name} doesn't run`);
    await processes.stop(entry.children.filter((child) => child.name === name));
    if (closing.signal.aborted) throw new Error('the system stops');
    const child = processes.replace(entry, name);
    return processes.bringUp(entry, [child], { signal, giveUp: () => processes.stop([child]) });
  };

  return {
    registry,
    start,
    stop,
    restartInstance,
    running: () => running,
    rows: async () => [registryRow(registry), ...(await listReady(registry, certs))],
    kill: () => killAll(running),
    async close() {
      closing.abort();
      await Promise.all([...running.keys()].filter((service) => service !== REGISTRY).map(stop));
      await stop(REGISTRY);
      removeProcesses(data);
    },
  };
}

function killAll(running) {
  for (const child of childrenOf(running)) child.kill('SIGKILL');
}

const childrenOf = (running) => [...running.values()].flatMap(({ children }) => children);

function requireBuilt(service) {
  if (!existsSync(entryOf(service))) throw new Error(`services/${service} isn't built yet: npm run build`);
}
