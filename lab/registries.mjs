/** Runs unmodified clients of other registries next to Rondo, over real servers. */
import path from 'node:path';
import { root, run, test } from '@rondo/tool/workspace';

/**
 * `npm run lab -- registries`, `npm run lab -- registries <jest arguments>`: builds the servers and the clients once, which takes minutes.
 * ZooKeeper is the package `zookeeper` of Debian. What can't be built is named, and its clients aren't tested.
 */
export async function main(args) {
  for (const folder of ['java', 'consul', 'registries']) {
    const { code } = await run('sh', [path.join(root, 'lab', folder, 'build.sh')], { show: true });
    if (code !== 0) console.error(`npm run lab -- registries: lab/${folder}/build.sh failed`);
  }
  return test(['lab/e2e/registry-clients.long.test.ts', ...args]);
}
