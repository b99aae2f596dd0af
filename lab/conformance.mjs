/** Runs public conformance suites against services that are made for them, in a copy of the repository. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root, run, test } from '@rondo/tool/workspace';

const report = path.join(root, '.rondo/conformance/report.md');

/**
 * `npm run lab -- conformance`, `npm run lab -- conformance <jest arguments>`: needs Go, and its module proxy for the suites.
 * @param {string[]} args
 */
export async function main(args) {
  if ((await run('go', ['version'])).code !== 0) {
    console.error(
      'npm run lab -- conformance: Go is not installed; see lab/conformance/interop/go.mod for the version it needs',
    );
    return 1;
  }
  rmSync(report, { force: true });
  process.env.CONFORMANCE_PLAIN = 'on';
  const code = await test(['lab/conformance/conformance.ci.test.ts', ...args]);
  if (existsSync(report)) console.log(`\n${readFileSync(report, 'utf8')}`);
  return code;
}
