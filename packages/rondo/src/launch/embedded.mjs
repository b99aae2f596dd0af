/** The embedded PostgreSQL: a process of the system, which the supervisor restarts like the others. */
import path from 'node:path';
import { openLog } from './data-folder.mjs';
import { POSTGRES } from './plan.mjs';

/**
 * @typedef {object} Embedded
 * @property {string} url The superuser's URL; the same after a restart.
 * @property {() => { pid: number, isRunning: boolean }} process
 * @property {() => Promise<void>} restart Rejects if it doesn't start again.
 * @property {() => Promise<void>} stop
 */

/**
 * Starts it.
 * @param {{ data: string, port: number, supervisor: import('./supervisor.mjs').Supervisor }} options
 * @returns {Promise<Embedded>}
 */
export async function startEmbedded({ data, port, supervisor }) {
  const asked = new WeakSet();
  let closing = false;
  let current = await startServer({ data, port, append: false });
  let restarting = Promise.resolve();

  const begin = ({ append }) => {
    const started = startServer({ data, port, append }).then((next) => {
      current = next;
      supervise(next);
    });
    restarting = started.catch(() => undefined); // the caller of `begin` gets the error
    return started;
  };
  const supervise = (one) => {
    one.server.exited.then((how) => {
      if (closing || asked.has(one)) return;
      supervisor.ended(POSTGRES, how, async () => {
        await begin({ append: true });
        return true;
      });
    });
  };
  const stopCurrent = async () => {
    supervisor.forget(POSTGRES);
    await restarting;
    asked.add(current);
    await current.server.stop();
  };

  supervise(current);
  return {
    url: current.server.url,
    process: () => ({ pid: current.server.pid, isRunning: current.isRunning() }),
    async restart() {
      await stopCurrent();
      await begin({ append: false });
    },
    async stop() {
      closing = true;
      await stopCurrent();
    },
  };
}

async function startServer({ data, port, append }) {
  const { startEmbeddedPostgres } = await import('@rondo/database/embedded');
  const log = openLog(data, POSTGRES, { append });
  try {
    const directory = path.join(data, 'postgres');
    const server = await startEmbeddedPostgres({ directory, port, log: log.write });
    let running = true;
    server.exited.then(() => {
      running = false;
      log.end();
    });
    return { server, isRunning: () => running };
  } catch (error) {
    log.end();
    throw error;
  }
}
