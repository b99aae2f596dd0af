/** The outage table over real processes: `npm run chaos [-- --only NAME] [--short] [--controls] [--tls] [--list]`. */
import path from 'node:path';
import { build } from './build.mjs';
import { takenByNpm } from './options.mjs';
import { root, run } from './process.mjs';

/**
 * `npm run chaos`: builds, then runs the scenarios of `chaos/`.
 * @param {string[]} args
 */
export async function main(args) {
  const taken = takenByNpm(['only', 'short', 'controls', 'tls', 'list'], 'npm run chaos -- --help');
  if (taken !== undefined) {
    console.error(`npm run chaos: ${taken}`);
    return 2;
  }
  if (!(await build())) return 1;
  return (await run(process.execPath, [path.join(root, 'chaos/dist/main.js'), ...args], { show: true })).code;
}
