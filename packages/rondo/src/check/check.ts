/** All checks but the tests: format, lint, import rules, types, unused code, contracts. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compile, PROJECTS } from '../build/build.js';
import { generate } from '../generate/generate.js';
import { console } from '../terminal/console.js';
import { filesBelow, projectFolders, readJson } from '../workspace/files.js';
import { isInstalled, lab, root } from '../workspace/paths.js';
import { native, run } from '../workspace/process.js';
import { orFailed, type Step, type StepResult, step } from '../workspace/steps.js';
import { backgroundDeclared } from './background.js';
import { breaking } from './breaking.js';
import { columnsNamed, migrationsRoll } from './migrations.js';
import { servicesPlanned } from './planned.js';
import { tablesComplete } from './tables.js';

/** What holds for each workspace; with `fix`, what can be formatted is. */
const everywhere = (fix: boolean): readonly Step[] => [
  ['generate', () => generate()],
  ['compile', () => compile()],
  ['every project built', everyProjectBuilt],
  ['services planned', servicesPlanned],
  ['jobs and topics declared', backgroundDeclared],
  ['types of tests', () => run(native('tsc'), ['--project', 'tsconfig.tests.json'])],
  [
    'format and lint',
    () => run(native('biome'), [...(fix ? ['check', '--write'] : ['ci']), '--error-on-warnings', '--colors=off', '.']),
  ],
  ['columns of migrations', columnsNamed],
  ['tables of resources', tablesComplete],
  ['migrations roll', migrationsRoll],
  ['contracts: lint', ofContracts(() => run(native('buf'), ['lint', 'proto']))],
  ['contracts: format', ofContracts(() => formatted(fix))],
  ['contracts: breaking', ofContracts(breaking)],
];

/** Fails if {@link PROJECTS} lacks a project, as the project would not be compiled. */
async function everyProjectBuilt(): Promise<StepResult> {
  const { references }: { references: { path: string }[] } = readJson(path.join(root, PROJECTS));
  const missing = projectFolders(root)
    .filter((folder) => existsSync(path.join(root, folder, 'tsconfig.json')))
    .filter((folder) => !references.some((one) => one.path === folder));
  return {
    code: missing.length,
    output: missing.map((folder) => `${PROJECTS} has no reference to ${folder}`).join('\n'),
  };
}

/** buf takes it for a fault if there are no contracts. */
const ofContracts = (work: () => Promise<StepResult>) => async (): Promise<StepResult> => {
  const hasContracts = filesBelow(path.join(root, 'proto')).some((file) => file.endsWith('.proto'));
  return hasContracts ? work() : { code: 0, skipped: true, note: 'there are no contracts' };
};

/** Contracts that were published elsewhere keep their style: buf.yaml exempts them from lint, and this from format. */
async function formatted(fix: boolean): Promise<StepResult> {
  const { readExemptions } = await import('../scaffold/index.js');
  const excluded = readExemptions(root).flatMap((contract) => ['--exclude-path', `proto/${contract}`]);
  return run(native('buf'), ['format', ...(fix ? ['--write'] : ['--diff', '--exit-code']), 'proto', ...excluded]);
}

/** `npm run check`: runs all steps, also after a failure. */
export async function main(args: readonly string[]): Promise<number> {
  const ofRepository = path.join(lab, 'check.mjs');
  const isOwn = !isInstalled && existsSync(ofRepository);
  const { steps: own }: { steps: readonly Step[] } = isOwn
    ? await import(pathToFileURL(ofRepository).href)
    : { steps: [] };
  if (!isInstalled && !isOwn) console.log('SKIPPED there is no lab/, which has the checks of this repository alone');
  return runAll([...everywhere(args.includes('--fix')), ...own]);
}

/** Runs all steps and prints a summary; an error that a step throws is its failure. Resolves to the exit code. */
export async function runAll(steps: readonly Step[]): Promise<number> {
  const failed: string[] = [];
  let skipped = 0;
  for (const [name, work] of steps) {
    const outcome = await step(name, () => orFailed(work));
    if (outcome.code !== 0) failed.push(name);
    if (outcome.skipped) skipped += 1;
  }
  console.log(`\n${steps.length - failed.length - skipped} passed, ${failed.length} failed, ${skipped} skipped`);
  for (const name of failed) console.log(`  failed: ${name}`);
  return failed.length === 0 ? 0 : 1;
}
