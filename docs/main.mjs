/** `npm run docs`: makes the documentation a site, with the references that are generated from the code; `-- --serve` shows it. */
import path from 'node:path';
import { parse, root, run, step, takenByNpm } from '@rondo/tool/workspace';
import { writePages } from './pages.mjs';

const USAGE = 'npm run docs [-- --serve]';
const VITEPRESS = path.join(root, 'docs/node_modules/vitepress/bin/vitepress.js');

try {
  const taken = takenByNpm(['serve'], USAGE);
  if (taken !== undefined) throw new Error(taken);
  const { serve = false } = parse({ options: { serve: { type: 'boolean' } } }, USAGE).values;
  process.exitCode = await docs(serve);
} catch (error) {
  console.error(`npm run docs: ${error.message}`);
  process.exitCode = 1;
}

/** @param {boolean} serve */
async function docs(serve) {
  if ((await step('references', writePages)).code !== 0) return 1;
  if (serve) return (await run(process.execPath, [VITEPRESS, 'dev', 'docs'], { show: true })).code;
  if ((await step('site', () => run(process.execPath, [VITEPRESS, 'build', 'docs']))).code !== 0) return 1;
  console.log('.rondo/docs/index.html; npm run docs -- --serve shows the site, and what you save');
  return 0;
}
