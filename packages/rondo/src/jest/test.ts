/** The tests. A file's name says its ring, which docs/testing.md explains: `x.test.ts`, `x.ci.test.ts` or `x.long.test.ts`. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { compile } from '../build/build.js';
import { generate } from '../generate/generate.js';
import { console } from '../terminal/console.js';
import { isInstalled, root } from '../workspace/paths.js';
import { hasCommit, run } from '../workspace/process.js';
import { step } from '../workspace/steps.js';
import { changedTests } from './changed.js';

const JEST = path.join(root, 'node_modules/jest/bin/jest.js');
/** As arguments and not by NODE_OPTIONS: jest's workers inherit them, and the services that a test starts don't. */
const OF_NODE = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const PACKAGES = '/node_modules/';
/** By ring: patterns of the paths that it leaves out. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  test: [PACKAGES, '\\.(?:ci|long)\\.test\\.ts$'],
  ci: [PACKAGES, '^(?!.*\\.ci\\.test\\.ts$)'],
  long: [PACKAGES, '^(?!.*\\.long\\.test\\.ts$)'],
  any: [PACKAGES],
};

/**
 * `npm test` runs its ring, `--ring ci` and `--ring long` what the larger rings add, `--changed` what reaches the changed files.
 * Any other arguments are jest's: a path of a larger ring's file runs that file.
 * A compile error makes the command fail, but the tests that run from sources are run anyway.
 */
export async function main(args: readonly string[]): Promise<number> {
  const changed = args.includes('--changed');
  const { ring, rest } = ringOf(args.filter((arg) => arg !== '--changed'));
  if (ring === undefined) {
    console.error(
      `npm test: --ring is one of ${Object.keys(LEFT_OUT).join(', ')}; Rondo's docs/testing.md says what each has`,
    );
    return 2;
  }
  if (changed && !(await hasCommit('npm test -- --changed'))) return 1;
  if (!isInstalled && !existsSync(path.join(root, 'lab')))
    console.log('SKIPPED lab: there is no lab/, which has the tests that only prove Rondo');
  const generated = await step('generate', () => generate());
  if (generated.code !== 0) return generated.code;
  const compiled = await step('compile', () => compile());
  const projects = compiled.code === 0 ? [] : ['--selectProjects', 'code'];
  if (!changed) return (await jest([...rest, ...leaveOut(ring), ...projects])) || compiled.code;
  const { code, files } = await changedTests();
  const related = ['--passWithNoTests', '--findRelatedTests', ...files];
  const tested = files.length === 0 ? 0 : await jest([...rest, ...leaveOut(ring), ...projects, ...related]);
  return tested || code || compiled.code;
}

/** Runs jest on the terminal. Resolves to its exit code. */
const jest = async (args: readonly string[]): Promise<number> =>
  (await run(process.execPath, [...OF_NODE, JEST, ...args], { show: true })).code;

/** The ring that is asked for, by its name or by a file of it, and the other arguments. */
function ringOf(args: readonly string[]): { readonly ring: string | undefined; readonly rest: readonly string[] } {
  const at = args.indexOf('--ring');
  if (at < 0) return { ring: args.some((arg) => /\.(?:ci|long)\b/.test(arg)) ? 'any' : 'test', rest: args };
  const name = args[at + 1] ?? '';
  return { ring: Object.hasOwn(LEFT_OUT, name) ? name : undefined, rest: args.toSpliced(at, 2) };
}

const leaveOut = (ring: string) => ['--testPathIgnorePatterns', ...(LEFT_OUT[ring] ?? [])];
