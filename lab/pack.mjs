/** `npm run pack` and `npm run create`, whose programs in `pack/` are compiled first. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, compile, root } from '@rondo/tool/workspace';

/** @param {string[]} args */
export const main = (args) => run('pack', args);

/** @param {string[]} args */
export const create = (args) => run('create', args);

/**
 * @param {string} program
 * @param {string[]} args
 */
async function run(program, args) {
  if (!(await build())) return 1;
  const { code, output } = await compile(['lab']);
  if (code !== 0) console.error(output);
  if (code !== 0) return code;
  return (await import(pathToFileURL(path.join(root, 'lab/dist/pack', `${program}.js`)).href)).main(args);
}
