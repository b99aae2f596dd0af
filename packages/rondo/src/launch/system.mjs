/** The running services, each with the processes that its manifest asks for. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { root } from '../workspace/paths.js';
import { removeProcesses, scaled, writeProcesses, writeScale } from './data-folder.mjs';
import { entryOf, folderOf, REGISTRY } from './manifests.mjs';
import { plan, portsOf, requireFreePorts } from './plan.mjs';
import { createProcesses, registryRow } from './processes.mjs';
import { listReady } from './ready.mjs';

const PORT_REMEDY = 'Stop what listens there, or give the service another port in its package.json';

/**
 * @typedef {object} Running
 * @property {import('./manifests.mjs').Manifest} manifest As it was when the service was started.
 * @property {Record<string, string>} env The variables of its processes.
 * @property {import('./plan.mjs').Planned[]} planned Its instances.
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
 * @property {(manifest: import('./manifests.mjs').Manifest, signal: AbortSignal, name?: string) => Promise<import('./ready.mjs').Row[]>}
 *   replace Starts a running service, or one instance of it, again. The processes that run serve until their successors need only
 *   their ports, and go on serving if one of those ends. Then it is as `start`.
 * @property {(service: string, instances: number, signal: AbortSignal) => Promise<void>} scale Starts the instances that a running
 *   service lacks, as `start` does, or drains those above the number. Later starts of the service have the number, too.
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
  let registryAway = false; // on request
  // Without the registry, every service would warn that it can't be reached.
  const tell = (line) => closing.signal.aborted || registryAway || warn(line);
  const note = () => noteProcesses(data, { running, tell });
  const processes = createProcesses({ options, supervisor, registry, warn: tell, note, signal: closing.signal });
  const given = { databases, env: { ...env, RONDO_REGISTRY: registry }, versionOf, closing: closing.signal };
  const planOf = (manifest) => plan([scaled(data, manifest)], portBase);
  const hold = (entry, children) => {
    entry.children = children;
    running.set(entry.manifest.service, entry);
    note();
  };

  const stop = async (service) => {
    const entry = running.get(service);
    if (entry === undefined) return;
    registryAway ||= service === REGISTRY;
    await processes.stop(entry.children);
    if (running.get(service) === entry) running.delete(service);
    note();
  };

  const start = async (manifest, signal) => {
    const { service } = manifest;
    const planned = planOf(manifest);
    const entry = await enter(manifest, { ...given, planned, ports: portsOf(planned), signal });
    const children = planned.map((one) => processes.spawn(entry, one));
    hold(entry, children);
    const rows = await processes.bringUp(entry, children, { signal, giveUp: () => stop(service) });
    if (service === REGISTRY) registryAway = false;
    return rows;
  };

  const replace = async (manifest, signal, name) => {
    const { service } = manifest;
    const before = running.get(service);
    const isMeant = (one) => name === undefined || one.name === name;
    const planned = name === undefined ? planOf(manifest) : before.planned.filter(isMeant);
    const asked = { ...given, planned, ports: newPorts(planned, before), signal };
    const entry = name === undefined ? await enter(manifest, asked) : before;
    const successors = await processes.prepare(entry, planned, AbortSignal.any([signal, closing.signal]));
    registryAway ||= service === REGISTRY;
    const stopped = processes.stop(before.children.filter(isMeant));
    hold(entry, [...before.children.filter((one) => !isMeant(one)), ...successors]);
    for (const { takeOver } of successors) takeOver();
    try {
      if (service === REGISTRY) await stopped; // it would answer in the place of its successor
      const giveUp = () => (name === undefined ? stop(service) : processes.stop(successors));
      return await processes.bringUp(entry, successors, { signal, giveUp });
    } finally {
      await stopped;
      if (service === REGISTRY) registryAway = false;
    }
  };

  removeProcesses(data); // a launcher that was killed leaves them behind
  return {
    registry,
    start,
    stop,
    replace,
    async scale(service, instances, signal) {
      await scale({ service, instances, entry: running.get(service) }, { portBase, processes, note, signal });
      writeScale(data, service, instances);
    },
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

function noteProcesses(data, { running, tell }) {
  try {
    writeProcesses(data, childrenOf(running));
  } catch (error) {
    tell(`the ids of processes can't be written: ${error.message}`); // as on a full disk
  }
}

/** Drains the surplus processes of a running service, or starts those that it lacks. */
async function scale({ service, instances, entry }, { portBase, processes, note, signal }) {
  if (entry === undefined) throw new Error(`${service} doesn't run: ./rondo restart ${service} starts it`);
  signal.throwIfAborted();
  entry.planned = plan([{ ...entry.manifest, instances }], portBase);
  const drop = async (children) => {
    await processes.stop(children);
    entry.children = entry.children.filter((child) => !children.includes(child));
    note();
  };
  const isAmong = (all, { name }) => all.some((one) => one.name === name);
  await drop(entry.children.filter((child) => !isAmong(entry.planned, child)));
  const lacking = entry.planned.filter((planned) => !isAmong(entry.children, planned));
  const added = lacking.map((planned) => processes.spawn(entry, planned));
  entry.children = [...entry.children, ...added];
  note();
  if (added.length > 0) await processes.bringUp(entry, added, { signal, giveUp: () => drop(added) });
}

/** What a service runs with, before it has a process. Rejects if one of `ports` is taken. */
async function enter(manifest, { databases, env, versionOf, closing, planned, ports, signal }) {
  requireBuilt(manifest.service);
  await requireFreePorts(ports, PORT_REMEDY, signal);
  const databaseUrl = manifest.database && (await databases.urlOf(manifest.database));
  if (closing.aborted) throw new Error('the system stops');
  const own = {
    ...env,
    ...(manifest.service === REGISTRY && { RONDO_REGISTRY_SYSTEM: path.resolve(root) }),
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
  };
  return { manifest, env: own, planned, children: [], version: versionOf(manifest) };
}

/** The ports of `planned` that the running processes of the service don't have. */
function newPorts(planned, before) {
  const held = new Set(portsOf(before.planned).map(({ port }) => port));
  return portsOf(planned).filter(({ port }) => !held.has(port));
}

function killAll(running) {
  for (const child of childrenOf(running)) child.kill('SIGKILL');
}

const childrenOf = (running) => [...running.values()].flatMap(({ children }) => children);

function requireBuilt(service) {
  if (!existsSync(entryOf(service))) throw new Error(`${folderOf(service)} isn't built yet: npm run build`);
}
