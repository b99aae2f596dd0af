/** The reference of the packages' public names, docs/reference/api.md, generated from their docstrings. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildOnly } from './build.mjs';
import { root, run } from './process.mjs';

const PAGE = path.join(root, 'docs/reference/api.md');

async function generate() {
  const { code, output } = await run(process.execPath, ['scripts/api/main.mjs']);
  if (code !== 0) throw new Error(output);
  return output;
}

/**
 * Whether the page is that of the compiled declarations.
 *
 * @returns {Promise<import('./steps.mjs').StepResult>}
 */
export async function apiPage() {
  const current = readFileSync(PAGE, 'utf8') === (await generate());
  return current ? { code: 0 } : { code: 1, output: 'docs/reference/api.md is stale: run npm run api' };
}

/** `npm run api` */
export async function main() {
  if (!(await buildOnly([]))) return 1;
  writeFileSync(PAGE, await generate());
  return 0;
}
