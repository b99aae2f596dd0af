/** What an editor shows in this folder once it is built, by the compiler's language server. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { root } from '@rondo/harness';
import { type LanguageServer, startLanguageServer } from './src/language-server.js';

/** Services for two public suites, whose contracts `npm run conformance` downloads. */
const ELSEWHERE = 'e2e/conformance/services/';

let server: LanguageServer;

beforeAll(async () => {
  server = await startLanguageServer(root);
});

afterAll(() => server.close());

/** More errors than this aren't collected: a folder without a project has thousands, each slower than the one before. */
const ENOUGH = 20;

/** All sources that git has or would add. */
function sources(): readonly string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '*.ts', '*.mts', '*.mjs'];
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 24 }).split('\0');
  return listed.filter((file) => file !== '' && !file.startsWith(ELSEWHERE));
}

it.each([
  'e2e/editor.test.ts',
  'packages/rpc/src/call/limit.test.ts',
  'packages/rpc/test/types.test.ts',
  'services/calculator/test/calculator.test.ts',
  'bench/balancing/chart.test.ts',
  'chaos/src/main.ts',
])('shows no error in %s, opened alone', async (file) => {
  const alone = await startLanguageServer(root);
  alone.open(file);
  const errors = await alone.errors(file);
  await alone.close();
  expect(errors).toEqual([]);
});

it('shows no error in any source: product, tests, journeys, benchmarks, scripts', async () => {
  const files = sources();
  expect(files.length).toBeGreaterThan(1_000);
  for (const file of files) server.open(file);
  const found: string[] = [];
  for (const file of files) {
    if (found.length > ENOUGH) break;
    found.push(...(await server.errors(file)).map((error) => `${file}:${error}`));
  }
  expect(found).toEqual([]);
});

it.each([
  ['CalculatorServiceDefinition', 'packages/contracts/src/calculator/v1/calculator.ts'],
  ['add({', 'packages/contracts/src/calculator/v1/calculator.ts'],
  ['createClient', 'packages/rpc/src/client/create-client.ts'],
  ['createApp', 'services/calculator/src/app.ts'],
])('leads from %s in a test to its source, and not to what was built', async (word, source) => {
  const test = 'services/calculator/test/calculator.test.ts';
  server.open(test);
  expect(await server.definitions(test, word)).toContain(pathToFileURL(join(root, source)).href);
});

it('has tasks that run scripts of package.json', () => {
  const { tasks } = JSON.parse(readFileSync(join(root, '.vscode/tasks.json'), 'utf8'));
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const names = tasks.map(({ command, args: [first, second] }: { command: string; args: readonly string[] }) =>
    command === 'npm' ? (first === 'run' ? second : first) : command,
  );
  expect(names).toEqual(['dev', 'check', 'build', 'test']);
  expect(names.filter((name: string) => scripts[name] === undefined)).toEqual([]);
});
