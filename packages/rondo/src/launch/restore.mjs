/** Restores a backup of `npm run backup` into the data folder of a new system: `npm run restore -- --from DIR --data NEW`. */
import { createServer } from 'node:net';
import path from 'node:path';
import { build } from '../build/build.js';
import { namedOptions, quoted } from '../workspace/options.js';
import { root } from '../workspace/paths.js';

const USAGE = 'npm run restore -- --from DIR --data NEW';

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code.
 */
export async function main(args) {
  try {
    const { from, data } = options(args);
    if (!(await build())) return 1;
    const { restore } = await import('@rondo/database/backup');
    const { time, timeline, prepared } = await restore({ from, to: data, port: await freePort() });
    const inDoubt =
      prepared === 0 ? 'no transaction in doubt' : `${prepared} transactions in doubt, finished by the services`;
    console.log(`${data}: all databases as of ${time}, on timeline ${timeline}, ${inDoubt}.`);
    console.log(`Start it: npm start -- --data ${quoted(data)}`);
    return 0;
  } catch (error) {
    console.error(`npm run restore: ${error.message}`);
    return 1;
  }
}

function options(args) {
  const values = namedOptions(args, ['from', 'data'], USAGE);
  if (!values.from) throw new Error(`--from must name a backup: ${USAGE}`);
  if (!values.data) throw new Error(`--data must name a new folder: ${USAGE}`);
  const base = process.env.INIT_CWD ?? root;
  return { from: path.resolve(base, values.from), data: path.resolve(base, values.data) };
}

/** A port for the server that carries out the recovery. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen({ host: '127.0.0.1', port: 0 }, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
