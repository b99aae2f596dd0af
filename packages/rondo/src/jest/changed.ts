/** `npm test -- --changed`: what the changed files reach, and their types and lint. */
import path from 'node:path';
import { MAIN_BRANCHES } from '../check/breaking.js';
import { console } from '../terminal/console.js';
import { root } from '../workspace/paths.js';
import { native, run } from '../workspace/process.js';
import { step } from '../workspace/steps.js';

/** More test files than this are reached by what most of the code stands on. */
const MANY = 60;

/** The test files that jest would run with some arguments. */
type List = (jestArguments: readonly string[]) => Promise<readonly string[]>;

/** The tests of changed files. */
interface ChangedTests {
  /** Not 0 if types or lint failed. */
  readonly code: number;
  readonly tests: readonly string[];
}

/** Checks types and lint, and finds the tests of the files that differ from main, or from what was pushed to it. */
export async function changedTests(list: List): Promise<ChangedTests> {
  const files = await changedFiles();
  if (files.length === 0) {
    console.log('No file differs from main.');
    return { code: 0, tests: [] };
  }
  const types = await step('types of tests', () => run(native('tsc'), ['--project', 'tsconfig.tests.json']));
  const lint = await step('lint', () =>
    run(native('biome'), ['check', '--error-on-warnings', '--colors=off', '--no-errors-on-unmatched', ...files]),
  );
  return { code: types.code || lint.code, tests: await reached(files, list) };
}

/** Paths below the root: what isn't committed, and the commits that main lacks; of deleted files nothing is left to check. */
async function changedFiles(): Promise<readonly string[]> {
  const base = await firstOf(MAIN_BRANCHES.flatMap((branch) => [`origin/${branch}`, branch]));
  const outputs = await Promise.all([
    git('diff', '--name-only', '--relative', '--diff-filter=d', base),
    git('ls-files', '--others', '--exclude-standard'),
  ]);
  return [...new Set(outputs.flatMap((output) => output.split('\n')).filter(Boolean))].sort();
}

async function firstOf(refs: readonly string[]): Promise<string> {
  for (const ref of refs) {
    const { code, output } = await run('git', ['merge-base', 'HEAD', ref]);
    if (code === 0) return output.trim();
  }
  return 'HEAD';
}

async function git(...args: readonly string[]): Promise<string> {
  const { code, output } = await run('git', args);
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${output.trim()}`);
  return output;
}

/** By imports; if those lead to most of the tests, the tests of the files' own packages, and how many others there are. */
async function reached(files: readonly string[], list: List): Promise<readonly string[]> {
  const importing = await list(['--findRelatedTests', ...files.map(asModule)]);
  const all = await list([]);
  const testsOf = (changed: readonly string[]) => {
    const folders = changed.flatMap((file) => folderOf(file) ?? []);
    return all.filter((test) => folders.some((folder) => test.startsWith(folder)));
  };
  // A migration or a fixture is no module: any test of its package may read it.
  const reading = testsOf(files.filter((file) => !/\.(?:[mc]?[jt]s|proto|md)$/.test(file)));
  const wanted = [...new Set([...importing, ...reading])];
  if (wanted.length <= MANY) return said(files, wanted, 0);
  const own = testsOf(files);
  return said(files, own, wanted.filter((test) => !own.includes(test)).length);
}

function said(files: readonly string[], tests: readonly string[], leftOut: number): readonly string[] {
  const more = leftOut > 0 ? `; ${leftOut} of other packages, which reach them too, are left to npm test` : '';
  console.log(`${files.length} changed files reach ${tests.length} test files${more}.`);
  return tests;
}

/** What is made of a contract stands for it: modules import that. */
function asModule(file: string): string {
  const [, contract] = /^proto\/(.*)\.proto$/.exec(file) ?? [];
  return path.join(root, contract === undefined ? file : `packages/contracts/src/${contract}.ts`);
}

/** The folder of the file's package, service or kind of tests; undefined for files of the root, which are part of no package. */
function folderOf(file: string): string | undefined {
  const [folder] = /^(?:(?:packages|services)\/[^/]+|lab|e2e)\//.exec(file) ?? [];
  return folder && path.join(root, folder);
}
