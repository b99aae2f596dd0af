/** Makes services of contracts of well-known projects by `rondo new service`, in a copy of the repository. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root, run, test } from '@rondo/tool/workspace';

const report = path.join(root, '.rondo/foreign/report.md');
/** The folder in which CI keeps the grpcurl that it builds. */
const built = path.join(root, '.rondo/ci/bin');

/**
 * `npm run lab -- foreign`, `npm run lab -- foreign <jest arguments>`: needs grpcurl, and npm's registry for the packages that contain the
 * contracts. `--sample` takes every sixth contract, and each that is refused.
 */
export async function main(args) {
  process.env.PATH += `${path.delimiter}${built}`;
  if ((await run('grpcurl', ['-version'])).code !== 0) {
    console.error('npm run lab -- foreign: grpcurl is not installed; see https://github.com/fullstorydev/grpcurl');
    return 1;
  }
  rmSync(report, { force: true });
  process.env.FOREIGN_CONTRACTS = args.includes('--sample') ? 'sample' : 'all';
  const code = await test(['lab/foreign/foreign.long.test.ts', ...args.filter((arg) => arg !== '--sample')]);
  if (existsSync(report)) console.log(`\n${readFileSync(report, 'utf8')}`);
  return code;
}
