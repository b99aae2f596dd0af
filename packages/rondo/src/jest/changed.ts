/** `npm test -- --changed`: what the changed files reach, and their types and lint. */
import path from 'node:path';
import { console } from '../terminal/console.js';
import { filesBelow } from '../workspace/files.js';
import { root } from '../workspace/paths.js';
import { MAIN_REFS, native, run } from '../workspace/process.js';
import { step } from '../workspace/steps.js';

/**
 * Checks types and lint of the files that differ from main, or from what was pushed to it. Resolves to a code, not 0 if one failed, and to
 * the files by which jest finds their tests.
 */
export async function changedTests() {
  const files = await changedFiles();
  if (files.length === 0) {
    console.log('No file differs from main.');
    return { code: 0, files };
  }
  const types = await step('types of tests', () => run(native('tsc'), ['--project', 'tsconfig.tests.json']));
  const lint = await step('lint', () =>
    run(native('biome'), ['check', '--error-on-warnings', '--colors=off', '--no-errors-on-unmatched', ...files]),
  );
  // A migration or a fixture is no module: any test of its package may read it.
  const reading = files.filter((file) => !/\.(?:[mc]?[jt]s|proto|md)$/.test(file)).flatMap(testsNextTo);
  return { code: types.code || lint.code, files: [...new Set([...files.map(asModule), ...reading])] };
}

/** Paths below the root: what isn't committed, and the commits that main lacks; of deleted files nothing is left to check. */
async function changedFiles(): Promise<readonly string[]> {
  let base: string | undefined;
  for (const ref of MAIN_REFS) {
    const { code, output } = await run('git', ['merge-base', 'HEAD', ref]);
    if (code === 0) base ??= output.trim();
  }
  const outputs = await Promise.all([
    git('diff', '--name-only', '--relative', '--diff-filter=d', base ?? 'HEAD'),
    git('ls-files', '--others', '--exclude-standard'),
  ]);
  return [...new Set(outputs.flatMap((output) => output.split('\n')).filter(Boolean))].sort();
}

async function git(...args: readonly string[]): Promise<string> {
  const { code, output } = await run('git', args);
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${output.trim()}`);
  return output;
}

/** What is made of a contract stands for it: modules import that. */
function asModule(file: string): string {
  const [, contract] = /^proto\/(.*)\.proto$/.exec(file) ?? [];
  return path.join(root, contract === undefined ? file : `packages/contracts/src/${contract}.ts`);
}

/** The test files of the file's package, service or kind of tests; none for files of the root, which are part of no package. */
function testsNextTo(file: string): readonly string[] {
  const [folder] = /^(?:(?:packages|plugins|services)\/[^/]+|lab|e2e)\//.exec(file) ?? [];
  if (folder === undefined) return [];
  const tests = filesBelow(path.join(root, folder)).filter((one) => one.endsWith('.test.ts'));
  return tests.map((one) => path.join(root, folder, one));
}
