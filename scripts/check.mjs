/** All checks but the tests: format, lint, import rules, types, unused code, contracts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { breaking } from './breaking.mjs';
import { compile, PROJECTS } from './build.mjs';
import { generate } from './generate.mjs';
import { servicesPlanned } from './planned.mjs';
import { bin, isInstalled, root, run, tool } from './process.mjs';
import { step } from './steps.mjs';

const script = (file) => run(process.execPath, [path.join(tool, file)]);

/** What holds for each workspace. */
const EVERYWHERE = [
  ['generate', () => generate()],
  ['compile', () => compile()],
  ['every project built', everyProjectBuilt],
  ['services planned', servicesPlanned],
  ['types of tests', () => run(bin('tsc'), ['--project', 'tsconfig.tests.json'])],
  ['format and lint', () => run(bin('biome'), ['ci', '--error-on-warnings', '--colors=off', '.'])],
  ['columns of migrations', () => script('lint/migrations.mjs')],
  ['migrations roll', () => script('lint/rolling.mjs')],
  ['contracts: lint', () => run(bin('buf'), ['lint', 'proto'])],
  ['contracts: format', formatted],
  ['contracts: breaking', breaking],
];

/** What holds for Rondo's own repository besides. */
const HERE = [
  ['lint rules bite', () => script('lint/rules.mjs')],
  ['API page', async () => (await import('./api.mjs')).apiPage()],
  ['errors page', async () => (await import('./api.mjs')).errorsPage()],
  ['links of docs', linksOfDocs],
  ['samples listed', samplesListed],
  ['unused code', () => run(bin('knip'), ['--no-progress', '--treat-config-hints-as-errors'])],
];

const steps = isInstalled ? EVERYWHERE : [...EVERYWHERE, ...HERE];

/** Fails if {@link PROJECTS} lacks a project, as the project would not be compiled. */
async function everyProjectBuilt() {
  const named = JSON.parse(readFileSync(path.join(root, PROJECTS), 'utf8')).references.map((one) => one.path);
  const missing = ['packages', 'services']
    .flatMap((parent) => readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => existsSync(path.join(root, folder, 'tsconfig.json')) && !named.includes(folder));
  return {
    code: missing.length,
    output: missing.map((folder) => `${PROJECTS} has no reference to ${folder}`).join('\n'),
  };
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

/** Contracts that were published elsewhere keep their style: buf.yaml exempts them from lint, and this from format. */
async function formatted() {
  const { readExemptions } = await import('#scaffold');
  const excluded = readExemptions(root).flatMap((contract) => ['--exclude-path', `proto/${contract}`]);
  return run(bin('buf'), ['format', '--diff', '--exit-code', 'proto', ...excluded]);
}

/** `npm run check`: runs all steps, also after a failure. */
export async function main() {
  const failed = [];
  const skipped = [];
  for (const [name, work] of steps) {
    const outcome = await step(name, work);
    if (outcome.code !== 0) failed.push(name);
    if (outcome.skipped) skipped.push(name);
  }
  const passed = steps.length - failed.length - skipped.length;
  console.log(`\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  for (const name of failed) console.log(`  failed: ${name}`);
  if (!isInstalled && !failed.includes('compile') && (await isRepository())) {
    const { survey } = await import('./survey.mjs');
    console.log(`\n${await survey()}`);
  }
  return failed.length === 0 ? 0 : 1;
}
