/** All checks but the tests: format, lint, import rules, types, unused code, contracts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compile, PROJECTS } from '../build/build.js';
import { generate } from '../generate/generate.js';
import { dist, isInstalled, root } from '../workspace/paths.js';
import { native, run } from '../workspace/process.js';
import { step } from '../workspace/steps.js';
import { breaking } from './breaking.mjs';
import { servicesPlanned } from './planned.mjs';

const script = (name) => run(process.execPath, [path.join(dist, `${name}.mjs`)]);

/** What holds for each workspace. */
const EVERYWHERE = [
  ['generate', () => generate()],
  ['compile', () => compile()],
  ['every project built', everyProjectBuilt],
  ['services planned', servicesPlanned],
  ['types of tests', () => run(native('tsc'), ['--project', 'tsconfig.tests.json'])],
  ['format and lint', () => run(native('biome'), ['ci', '--error-on-warnings', '--colors=off', '.'])],
  ['columns of migrations', () => script('migrations')],
  ['migrations roll', migrationsRoll],
  ['contracts: lint', () => run(native('buf'), ['lint', 'proto'])],
  ['contracts: format', formatted],
  ['contracts: breaking', breaking],
];

async function migrationsRoll() {
  const outcome = await script('rolling');
  return outcome.code === 3 ? { code: 0, skipped: true, note: 'squawk has no program for musl' } : outcome;
}

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

/** Contracts that were published elsewhere keep their style: buf.yaml exempts them from lint, and this from format. */
async function formatted() {
  const { readExemptions } = await import('../scaffold/index.js');
  const excluded = readExemptions(root).flatMap((contract) => ['--exclude-path', `proto/${contract}`]);
  return run(native('buf'), ['format', '--diff', '--exit-code', 'proto', ...excluded]);
}

/** `npm run check`: runs all steps, also after a failure. */
export async function main() {
  const { steps: own = [] } = isInstalled ? {} : await import(pathToFileURL(path.join(dist, 'repository.mjs')).href);
  const steps = [...EVERYWHERE, ...own];
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
  return failed.length === 0 ? 0 : 1;
}
