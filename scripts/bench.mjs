/** Builds, and runs a benchmark: `npm run bench:registry` is `bench registry`. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { takenByNpm } from './options.mjs';
import { run } from './process.mjs';

/** `npm run bench:<name>` */
export async function main([name, ...rest]) {
  const file = new URL(`../bench/${name}.mjs`, import.meta.url);
  if (!/^[a-z]+$/.test(name ?? '') || !existsSync(file)) {
    console.error(`There is no benchmark "${name}": package.json lists them.`);
    return 1;
  }
  const taken = takenByNpm(
    [
      'part',
      'quick',
      'write',
      'list',
      'controls',
      'rounds',
      'expressions',
      'profile',
      'seconds',
      'clients',
      'calls',
      'tasks',
      'watchers',
      'projects',
      'changes',
      'calm',
    ],
    `npm run bench:${name} -- [options]`,
  );
  if (taken !== undefined) {
    console.error(`npm run bench:${name}: ${taken}`);
    return 2;
  }
  if (!(await build())) return 1;
  return (await run(process.execPath, [fileURLToPath(file), ...rest], { show: true })).code;
}
