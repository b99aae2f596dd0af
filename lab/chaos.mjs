/** The outage table over real processes: `npm run lab -- chaos [--only NAME] [--short] [--controls] [--tls] [--list]`. */
import path from 'node:path';
import { build, compile, root, run, takenByNpm } from '@rondo/tool/workspace';

/**
 * `npm run lab -- chaos`: builds, then runs the scenarios of `chaos/`.
 * @param {string[]} args
 */
export async function main(args) {
  const taken = takenByNpm(['only', 'short', 'controls', 'tls', 'list'], 'npm run lab -- chaos --help');
  if (taken !== undefined) {
    console.error(`npm run lab -- chaos: ${taken}`);
    return 2;
  }
  if (!(await build())) return 1;
  const { code, output } = await compile(['lab']);
  if (code !== 0) console.error(output);
  if (code !== 0) return code;
  return (await run(process.execPath, [path.join(root, 'lab/dist/chaos/main.js'), ...args], { show: true })).code;
}
