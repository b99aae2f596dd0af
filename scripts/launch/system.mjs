/** The services that run, each as the processes that its manifest asks for. */
import { existsSync } from 'node:fs';
import { entryOf } from './children.mjs';
import { removeProcesses, writeProcesses } from './data-folder.mjs';
import { REGISTRY } from './manifests.mjs';
import { plan, requireFreePorts } from './plan.mjs';
import { createProcesses, registryRow } from './processes.mjs';
import { listReady } from './ready.mjs';

const PORT_REMEDY = 'Stop what listens there, or give the service another port in its package.json';

/**
 * @typedef {object} Running
 * @property {import('./manifests.mjs').Manifest} manifest As it was when the service was started.
 * @property {Record<string, string>} env What its processes are given.
 * @property {import('./children.mjs').Child[]} children One an instance; a restart replaces it.
 * @property {string} version What the service was then, as `versionOf` tells.
 */

/**
 * @typedef {object} System
 * @property {string} registry Its address.
 * @property {(manifest: import('./manifests.mjs').Manifest, signal: AbortSignal) => Promise<import('./ready.mjs').Row[]>}
 *   start Resolves when all of a service's instances take calls. Rejects with the last lines of one that ended: then
 *   none of them runs. When the signal aborts it rejects too, and they go on coming up.
 * @property {(service: string) => Promise<void>} stop Drains it; one that doesn't run is no fault.
 * @property {(name: string, signal: AbortSignal) => Promise<import('./ready.mjs').Row[]>} restartInstance Drains one
 *   instance of a service that runs, and starts it again, as `start` does.
 * @property {() => ReadonlyMap<string, Running>} running By service.
 * @property {() => Promise<import('./ready.mjs').Row[]>} rows What takes calls, the registry first.
 * @property {() => void} kill Ends everything at once.
 * @property {() => Promise<void>} close Drains everything: the registry last, so that each can say goodbye to it.
 */

/**
 * A system in which nothing runs yet.
 * @param {{ options: import('./options.mjs').Options, databases: import('./database.mjs').Databases,
 *   supervisor: import('./supervisor.mjs').Supervisor, warn: (line: string) => void, env?: Record<string, string>,
 *   versionOf?: (manifest: import('./manifests.mjs').Manifest) => string }} settings
 * @returns {System}
 */
export function createSystem({ options, databases, supervisor, warn, env = {}, versionOf = () => '' }) {
  const { data, portBase } = options;
  const registry = `127.0.0.1:${portBase}`;
  const running = new Map();
  const closing = new AbortController();
  let registryAway = false;

  // Of a registry that was told to stop, each service would say that it is away.
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
    await requireFreePorts(plan([manifest], portBase), PORT_REMEDY);
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
    rows: async () => [registryRow(registry), ...(await listReady(registry))],
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
