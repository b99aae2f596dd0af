/** What `npm start` can be told. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../process.mjs';

const USAGE = 'npm start -- [--data DIR] [--port-base N]';
const LAST_OFFSET = 9;

/**
 * @typedef {object} Options
 * @property {string} data Holds the database, the logs and the passwords; absolute.
 * @property {number} portBase The registry's port; the others follow it.
 */

/**
 * @param {string[]} args
 * @returns {Options}
 * @throws {Error} with one line that says what is wrong and how it's done.
 */
export function parseOptions(args) {
  const { values, positionals } = parse(args);
  if (positionals.length > 0) {
    // `npm start --data D` hands npm the flag and leaves us its value.
    throw new Error(`"${positionals[0]}" is not expected here; options come after a "--": ${USAGE}`);
  }
  const portBase = Number(values['port-base']);
  if (!Number.isInteger(portBase) || portBase < 1024 || portBase > 65_535 - LAST_OFFSET) {
    const range = `1024 to ${65_535 - LAST_OFFSET}`;
    throw new Error(`--port-base ${values['port-base']}: must be a whole number from ${range}: ${USAGE}`);
  }
  const data = path.resolve(process.env.INIT_CWD ?? root, values.data ?? path.join(root, '.rondo'));
  return { data, portBase };
}

function parse(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { data: { type: 'string' }, 'port-base': { type: 'string', default: '50050' } },
    });
  } catch (error) {
    throw new Error(`${error.message}: ${USAGE}`, { cause: error });
  }
}
