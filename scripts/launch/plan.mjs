/** The processes of a system, their ports, and whether the ports are free. */
import { createServer } from 'node:net';
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
 * @throws {Error} with one line that names every port that is taken.
 */
export async function requireFreePorts(listeners, remedy) {
  const taken = [];
  for (const { name, port = 0 } of listeners) {
    if (port > 0 && !(await isFree(port))) taken.push(`${port} (${name})`);
  }
  if (taken.length > 0) throw new Error(`in use already: port ${taken.join(', ')}. ${remedy}`);
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
