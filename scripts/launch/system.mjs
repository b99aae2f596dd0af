/** The services that run, each as the processes that its manifest asks for. */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { entryOf, firstToEnd, startChild, stopChildren } from './children.mjs';
import { REGISTRY } from './manifests.mjs';
import { plan } from './plan.mjs';
import { requireFreePorts } from './ports.mjs';
import { listReady, untilReady } from './ready.mjs';

const PORT_REMEDY = 'Stop what listens there, or give the service another port in its package.json';

/**
 * @typedef {object} Running
 * @property {import('./manifests.mjs').Manifest} manifest As it was when the service was started.
 * @property {import('./children.mjs').Child[]} children
 * @property {string} version What the service was then, as `versionOf` tells.
 * @property {boolean} awaited Whether somebody waits for it to come up, who is told when one of its processes ends.
 * @property {boolean} stopping Whether it was told to stop.
 */

/**
 * @typedef {object} System
 * @property {string} registry Its address.
 * @property {(manifest: import('./manifests.mjs').Manifest, signal: AbortSignal) => Promise<import('./ready.mjs').Row[]>}
 *   start Resolves when all of a service's instances take calls. Rejects with the last lines of one that ended: then
 *   none of them runs. When the signal aborts it rejects too, and they go on coming up.
 * @property {(service: string) => Promise<void>} stop Drains it; one that doesn't run is no fault.
 * @property {() => ReadonlyMap<string, Running>} running By service.
 * @property {() => Promise<import('./ready.mjs').Row[]>} rows What takes calls, the registry first.
 * @property {() => void} kill Ends everything at once.
 * @property {() => Promise<void>} close Drains everything: the registry last, so that each can say goodbye to it.
 */

/**
 * A system in which nothing runs yet.
 * @param {{ options: import('./options.mjs').Options, databases: import('./database.mjs').Databases,
 *   warn: (line: string) => void, env?: Record<string, string>,
 *   versionOf?: (manifest: import('./manifests.mjs').Manifest) => string }} settings
 * @returns {System}
 */
export function createSystem({ options: { data, portBase }, databases, warn, env = {}, versionOf = () => '' }) {
  const registry = `127.0.0.1:${portBase}`;
  const running = new Map();
  let closing = false;
  let registryAway = false;

  // Of a registry that was told to stop, each service would say that it is away.
  const told = (line) => closing || registryAway || warn(line);

  const begin = (manifest, databaseUrl) => {
    const own = { ...env, RONDO_REGISTRY: registry, ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }) };
    const version = versionOf(manifest);
    const children = plan([manifest], portBase).map((one) => startChild(one, { data, env: own, warn: told }));
    const entry = { manifest, children, version, awaited: true, stopping: false };
    running.set(manifest.service, entry);
    writePids(data, running);
    for (const { name, ended } of children) {
      ended.then((how) => {
        if (closing || entry.stopping) return;
        writePids(data, running);
        if (!entry.awaited) warn(`${name} has ended (${how})`); // what it warned of was told
      });
    }
    return entry;
  };

  const stop = async (service) => {
    const entry = running.get(service);
    if (entry === undefined) return;
    entry.stopping = true;
    if (service === REGISTRY) registryAway = true;
    await stopChildren(entry.children);
    if (running.get(service) === entry) running.delete(service);
    writePids(data, running);
  };

  const start = async (manifest, signal) => {
    const { service, database } = manifest;
    requireBuilt(service);
    await requireFreePorts(plan([manifest], portBase), PORT_REMEDY);
    const databaseUrl = database && (await databases.urlOf(database));
    if (closing) throw new Error('the system stops');
    const entry = begin(manifest, databaseUrl);
    try {
      const rows = await untilUp(registry, entry, signal);
      if (service === REGISTRY) registryAway = false;
      return rows;
    } catch (error) {
      if (!signal.aborted) await stop(service);
      throw error;
    } finally {
      entry.awaited = false;
    }
  };

  return {
    registry,
    start,
    stop,
    running: () => running,
    rows: async () => [registryRow(registry), ...(await listReady(registry))],
    kill: () => killAll(running),
    async close() {
      closing = true;
      await Promise.all([...running.keys()].filter((service) => service !== REGISTRY).map(stop));
      await stop(REGISTRY);
      rmSync(pidFile(data), { force: true });
    },
  };
}

/** The registry itself, or all instances of a service once they take calls. */
async function untilUp(registry, { manifest, children }, signal) {
  const isRegistry = manifest.service === REGISTRY;
  const names = isRegistry ? [] : children.map(({ name }) => name);
  const rows = await untilReady(registry, { names, failed: firstToEnd(children), signal });
  return isRegistry ? [registryRow(registry)] : rows;
}

function killAll(running) {
  for (const child of childrenOf(running)) child.kill('SIGKILL');
}

const childrenOf = (running) => [...running.values()].flatMap(({ children }) => children);

const registryRow = (address) => ({ name: REGISTRY, address, services: ['rondo.registry.v1.RegistryService'] });

function requireBuilt(service) {
  if (!existsSync(entryOf(service))) throw new Error(`services/${service} isn't built yet: npm run build`);
}

/** For whoever wants to signal one of them: whole at every moment. */
function writePids(data, running) {
  const children = childrenOf(running).filter(({ isRunning }) => isRunning());
  const pids = Object.fromEntries(children.map(({ name, pid }) => [name, pid]));
  writeFileSync(`${pidFile(data)}.new`, `${JSON.stringify(pids, null, 2)}\n`);
  renameSync(`${pidFile(data)}.new`, pidFile(data));
}

const pidFile = (data) => path.join(data, 'processes.json');
