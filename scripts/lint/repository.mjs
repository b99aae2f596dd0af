/** The checks of Rondo's own repository, beside those of each workspace. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { apiDocumented, errorsUsed } from '../docs.mjs';
import { root, run, tool } from '../process.mjs';

/** A fork may have deleted the laboratory. */
const hasLab = existsSync(path.join(root, 'lab'));

const KNIP = path.join(root, 'node_modules/knip/bin/knip.js');
const script = (file) => run(process.execPath, [path.join(tool, file)]);

/** @type {[name: string, work: () => Promise<import('../steps.mjs').StepResult>][]} */
export const steps = [
  ['public names documented', apiDocumented],
  ['errors used', errorsUsed],
  ['links of docs', () => ofRepository('lint/links.mjs')],
  ['portable names and programs', () => ofRepository('lint/portable.mjs')],
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
