/** Which processes make up the system, and where each listens. */
/** Whether the ports that are to be used are free. */

import { createServer } from 'node:net';
import { REGISTRY } from './manifests.mjs';
import { DEFAULTS } from './options.mjs';

/**
 * @typedef {object} Planned
 * @property {string} name The instance's id, and its log file's name.
 * @property {string} service The folder under services/.
 * @property {number} port 0 for any that is free.
 * @property {number} metricsPort Where it serves its metrics, if it is asked to.
 */

/** The name of the PostgreSQL that is brought along, among the processes. */
export const POSTGRES = 'postgres';

/** The database's port, counted from the base. */
export const DATABASE_OFFSET = 9;

/** Metrics of a service's first instance, counted from its own port, and of each further one from there. */
const METRICS_OFFSET = 500;
const INSTANCE_OFFSET = 100;

/**
 * @param {import('./manifests.mjs').Manifest[]} manifests
 * @param {number} portBase
 * @returns {Planned[]} in the order in which they start.
 * @throws {Error} with one line where a port is none.
 */
export function plan(manifests, portBase) {
  const processes = manifests.flatMap((manifest) => planService(manifest, portBase));
  const beyond = processes.find(({ port }) => port < 0 || port > 65_535);
  if (beyond) throw new Error(`--port-base ${portBase}: ${beyond.name} would listen at ${beyond.port}; take another`);
  return processes;
}

/** @param {Planned} planned */
export const metricsAddress = ({ metricsPort }) => `127.0.0.1:${metricsPort}`;

/** The first instance has the service's port; the others take what is free. */
function planService({ service, port, instances }, portBase) {
  return Array.from({ length: instances }, (_, index) => ({
    name: service === REGISTRY ? service : `${service}-${index + 1}`,
    service,
    port: index === 0 ? port - DEFAULTS.portBase + portBase : 0,
    metricsPort: port - DEFAULTS.portBase + portBase + METRICS_OFFSET + index * INSTANCE_OFFSET,
  }));
}

/**
 * @param {{ name: string, port?: number }[]} listeners Those without a port of their own are passed over.
 * @param {string} remedy What to do where one is taken.
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
