/** The checks of Rondo's own repository, beside those of each workspace. */
import path from 'node:path';
import { apiPage, errorsPage } from '../api.mjs';
import { bin, root, run, tool } from '../process.mjs';
import { survey } from '../survey.mjs';

const script = (file) => run(process.execPath, [path.join(tool, file)]);

/** @type {[name: string, work: () => Promise<import('../steps.mjs').StepResult>][]} */
export const steps = [
  ['lint rules bite', () => script('lint/rules.mjs')],
  ['API page', apiPage],
  ['errors page', errorsPage],
  ['links of docs', linksOfDocs],
  ['samples listed', samplesListed],
  ['unused code', () => run(bin('knip'), ['--no-progress', '--treat-config-hints-as-errors'])],
];

/** Prints what the tree weighs, where git knows its files. */
export async function summary() {
  if (await isRepository()) console.log(`\n${await survey()}`);
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
