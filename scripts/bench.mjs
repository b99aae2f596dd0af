/** Builds, and runs a benchmark: `npm run bench -- orders [options]`. Without a name it lists them. */
import path from 'node:path';
import { build } from './build.mjs';
import { root, run } from './process.mjs';

/** `npm run bench` */
export async function main(args) {
  if (!(await build())) return 1;
  return (await run(process.execPath, [path.join(root, 'bench/main.mjs'), ...args], { show: true })).code;
}
