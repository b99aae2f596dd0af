/** The checks of Rondo's own repository, beside those of each workspace. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { apiDocumented, errorsUsed } from '../docs/docs.mjs';
import { dist, root } from '../workspace/paths.js';
import { run } from '../workspace/process.js';

/** A fork may have deleted the laboratory. */
const hasLab = existsSync(path.join(root, 'lab'));

const KNIP = path.join(root, 'node_modules/knip/bin/knip.js');
const script = (name) => run(process.execPath, [path.join(dist, `${name}.mjs`)]);

/** @type {[name: string, work: () => Promise<import('../workspace/steps.js').StepResult>][]} */
export const steps = [
  ['public names documented', apiDocumented],
  ['errors used', errorsUsed],
  ['links of docs', () => ofRepository('links')],
  ['portable names and programs', () => ofRepository('portable')],
  // Without lab/ its settings are one of the hints.
  [
    'unused code',
    () => run(process.execPath, [KNIP, '--no-progress', ...(hasLab ? ['--treat-config-hints-as-errors'] : [])]),
  ],
];

/** Whether git knows this folder's files: an archive of the repository has no `.git`. */
const isRepository = async () => (await run('git', ['rev-parse', '--is-inside-work-tree'])).code === 0;

/** Runs a script that asks git for the files of the repository. */
async function ofRepository(file) {
  if (!(await isRepository()))
    return { code: 0, skipped: true, note: 'git knows no files here: git init && git add .' };
  return script(file);
}
