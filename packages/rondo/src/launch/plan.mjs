/** The processes of a system, their ports, and whether the ports are free. */
import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { REGISTRY } from './manifests.mjs';
import { DEFAULTS, environmentOf } from './options.mjs';

/**
 * @typedef {object} Planned
 * @property {string} name The instance's id, which also names its log.
 * @property {string} service The folder under services/.
 * @property {number} port 0 for any free port.
 * @property {number} metricsPort The port of its metrics, with --metrics.
 * @property {{ variable: string, address: string, port: number }} [public] Where it listens for callers outside of the system,
 *   and the variable that tells it so.
 */

/** The name of the embedded PostgreSQL among the processes. */
export const POSTGRES = 'postgres';

/** The database's port, relative to the base port. */
export const DATABASE_OFFSET = 9;

/** The metrics port of a service's first instance, relative to its port, and the step to the next instance. */
const METRICS_OFFSET = 500;
const INSTANCE_OFFSET = 100;

/**
 * @param {import('./manifests.mjs').Manifest[]} manifests
 * @param {number} portBase
 * @returns {Planned[]} in the order in which they start.
 * @throws {Error} with one line if a port is out of range.
 */
export function plan(manifests, portBase) {
  const processes = manifests.flatMap((manifest) => planService(manifest, portBase));
  const beyond = portsOf(processes).find(({ port }) => port < 0 || port > 65_535);
  if (beyond) throw new Error(`--port-base ${portBase}: ${beyond.name} would listen at ${beyond.port}; take another`);
  return processes;
}

/** @param {Planned} planned */
export const metricsAddress = ({ metricsPort }) => `127.0.0.1:${metricsPort}`;

/** The first instance has the service's ports; the others take free ports. */
function planService({ service, port, instances, public: outside }, portBase) {
  return Array.from({ length: instances }, (_, index) => ({
    name: service === REGISTRY ? service : `${service}-${index + 1}`,
    service,
    port: index === 0 ? port - DEFAULTS.portBase + portBase : 0,
    metricsPort: port - DEFAULTS.portBase + portBase + METRICS_OFFSET + index * INSTANCE_OFFSET,
    ...(outside && { public: planPublic(index === 0 ? publicAddress(service, outside, portBase) : ANY_PORT, outside) }),
  }));
}

const ANY_PORT = '127.0.0.1:0';

/** With the default base port, the variable moves the listener. Another base port outranks it, as two systems may share `.env`. */
function publicAddress(service, { port, offset, variable }, portBase) {
  if (portBase !== DEFAULTS.portBase) return `127.0.0.1:${portBase + offset}`;
  return environmentOf(service)[variable] || `127.0.0.1:${port}`;
}

/** The service itself refuses an address that has no port. */
const planPublic = (address, { variable }) => ({ variable, address, port: Number(/:(\d+)$/.exec(address)?.[1] ?? 0) });

/**
 * All ports that processes listen on, apart from metrics.
 * @param {Planned[]} processes
 * @returns {{ name: string, port: number }[]}
 */
export function portsOf(processes) {
  return processes.flatMap(({ name, port, public: outside }) => [
    { name, port },
    ...(outside ? [{ name: `${outside.variable} of ${name}`, port: outside.port }] : []),
  ]);
}

/**
 * @param {{ name: string, port?: number }[]} listeners Listeners without a fixed port are skipped.
 * @param {string} remedy What to do if a port is taken.
 * @param {AbortSignal} [signal] Ends the wait for a port that no process listens at.
 * @throws {Error} with one line that names every port that is taken.
 */
export async function requireFreePorts(listeners, remedy, signal) {
  const taken = [];
  for (const one of listeners) if (one.port > 0 && !(await isFree(one.port))) taken.push(one);
  const refuse = (all) => {
    if (all.length === 0) return;
    const ports = all.map(({ name, port }) => `${port} (${name})`).join(', ');
    throw new Error(`in use already: port ${ports}. ${remedy}`);
  };
  refuse(await filtered(taken, ({ port }) => isServed(port)));
  refuse(await filtered(taken, async ({ port }) => !(await becomesFree(port, signal))));
}

async function filtered(all, holds) {
  const found = [];
  for (const one of all) if (await holds(one)) found.push(one);
  return found;
}

/** TIME-WAIT lasts for a minute on Linux. */
const MAX_POLLS = 130;
const POLL_MS = 500;

/** Waits for a port that the kernel has given to a connection as its own end. It stays taken for a while after the connection. */
async function becomesFree(port, signal) {
  console.error(
    `Waiting for port ${port}: no process listens there, but a connection has it, or had it a minute ago …`,
  );
  for (let polls = 0; polls < MAX_POLLS; polls += 1) {
    if (await isFree(port)) return true;
    await setTimeout(POLL_MS, undefined, { signal });
  }
  return false;
}

/**
 * Whether a process listens at a port.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isServed(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', ({ code }) => resolve(code !== 'ECONNREFUSED'));
    socket.setTimeout(1_000, () => resolve(true)); // its queue is full
    socket.once('connect', () => socket.destroy()).once('timeout', () => socket.destroy());
  });
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
