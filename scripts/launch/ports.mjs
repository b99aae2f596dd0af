/** Whether the ports that are to be used are free. */
import { createServer } from 'node:net';

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
