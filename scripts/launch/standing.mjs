/** What became of each process of the system. */
import { tryManifests } from './manifests.mjs';
import { POSTGRES, plan } from './plan.mjs';

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
export function listProcesses({ system, databases, supervisor, options }) {
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
