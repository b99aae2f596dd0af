/** The checks of Rondo's own repository, beside those of each workspace. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { apiPage, errorsPage } from '../api.mjs';
import { bin, root, run, tool } from '../process.mjs';

/** The laboratory has steps of its own. A fork may have deleted it. */
const LAB = new URL('../../lab/check.mjs', import.meta.url);
const NO_LAB = { code: 0, skipped: true, note: 'there is no lab/: the cases of the lint rules, the survey' };
const lab = existsSync(LAB) ? await import(LAB.href) : { steps: [['lab', async () => NO_LAB]] };

const script = (file) => run(process.execPath, [path.join(tool, file)]);

/** @type {[name: string, work: () => Promise<import('../steps.mjs').StepResult>][]} */
export const steps = [
  ...lab.steps,
  ['API page', apiPage],
  ['errors page', errorsPage],
  ['links of docs', linksOfDocs],
  ['samples listed', samplesListed],
  // Without lab/ its settings are one of the hints.
  [
    'unused code',
    () => run(bin('knip'), ['--no-progress', ...(existsSync(LAB) ? ['--treat-config-hints-as-errors'] : [])]),
  ],
];

/** Prints what the tree weighs, where git knows its files. */
export async function summary() {
  if (await isRepository()) await lab.summary?.();
}

/** Whether git knows this folder's files: an archive of the repository has no `.git`. */
const isRepository = async () => (await run('git', ['rev-parse', '--is-inside-work-tree'])).code === 0;

async function linksOfDocs() {
  if (!(await isRepository()))
    return { code: 0, skipped: true, note: 'git knows no files here: git init && git add .' };
  return script('lint/links.mjs');
}

/** Fails if something would break when a sample is removed: `rondo remove service` removes what samples.json names. */
async function samplesListed() {
  const { findUnlisted } = await import('#scaffold');
  const faults = findUnlisted(root);
  return { code: faults.length, output: faults.join('\n') };
}
