/** Makes a base backup of a running system: `npm run backup -- --to DIR [--data DIR]`. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { build } from '../build/build.js';
import { namedOptions, quoted } from '../workspace/options.js';
import { root } from '../workspace/paths.js';
import { namesServer } from './database.mjs';
import { DEFAULTS, loadRootEnv } from './options.mjs';

const USAGE = 'npm run backup -- --to DIR [--data DIR]';

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code.
 */
export async function main(args) {
  try {
    const { to, data } = options(args);
    if (!(await build())) return 1;
    const { backUp } = await import('@rondo/database/backup');
    const passwords = path.join(data, 'passwords.json');
    const beside = existsSync(passwords) ? { 'passwords.json': passwords } : {};
    const { folder, sizeBytes, files, time } = await backUp({ directory: path.join(data, 'postgres'), to, beside });
    const size = `${Object.keys(files).length} files, ${Math.ceil(sizeBytes / 1e6)} MB`;
    console.log(
      `${folder}: all databases as of ${time} (${size}), passwords included: keep it where only you can read it.`,
    );
    console.log(`Restore it: npm run restore -- --from ${quoted(to)} --data NEW`);
    return 0;
  } catch (error) {
    console.error(`npm run backup: ${error.message}`);
    return 1;
  }
}

function options(args) {
  loadRootEnv();
  const values = namedOptions(args, ['to', 'data'], USAGE);
  if (!values.to) throw new Error(`--to must name a folder for the backup: ${USAGE}`);
  if (namesServer(process.env) && values.data === undefined) {
    throw new Error(
      "RONDO_DATABASE_ADMIN_URL names a server of your own: back it up with pg_basebackup, as in Rondo's docs/guides/operate-the-database.md",
    );
  }
  const from = process.env.INIT_CWD ?? root;
  return { to: path.resolve(from, values.to), data: path.resolve(from, values.data ?? DEFAULTS.data) };
}
