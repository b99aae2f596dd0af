/** What an editor shows in this folder once it is built, by the compiler's language server. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { root } from '@rondo/harness';
import { type LanguageServer, startLanguageServer } from './src/language-server.js';

/** Services whose contracts and a program whose types their tests generate, and files of apps. */
const ELSEWHERE = ['lab/conformance/services/', 'e2e/openapi/client/', 'packages/create/overlay/'];

let server: LanguageServer;

beforeAll(async () => {
  server = await startLanguageServer(root);
});

afterAll(() => server.close());

/** All sources that git has or would add. */
function sources(): readonly string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '*.ts', '*.mts', '*.mjs'];
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 24 }).split('\0');
  return listed.filter((file) => file !== '' && !ELSEWHERE.some((folder) => file.startsWith(folder)));
}

it.each([
  'lab/e2e/editor.long.test.ts',
  'packages/rpc/src/call/call-context.test.ts',
  'packages/rpc/test/types.test.ts',
  'services/registry/test/registry.test.ts',
  'lab/bench/allocations/allocations.long.test.ts',
  'lab/chaos/main.ts',
])('shows no error in %s, opened alone', async (file) => {
  const alone = await startLanguageServer(root);
  alone.open(file);
  const errors = await alone.errors(file);
  await alone.close();
  expect(errors).toEqual([]);
});

// Without a project a source has false errors in an editor. The errors of a project are those of `npm run check`.
it('has a project for every source: product, tests, journeys, benchmarks, scripts', () => {
  const files = sources();
  expect(files.length).toBeGreaterThan(500);
  const pages = ['services/sales/page', 'services/project-management/page'];
  const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.build.json'), 'utf8'));
  const projects = ['tsconfig.tests.json', ...pages, ...references.map(({ path }: { path: string }) => path)];
  const owned = new Set(projects.flatMap(filesOf));
  // Of a module with declarations next to it the compiler reads those.
  const isOwned = (file: string) => owned.has(join(root, file)) || owned.has(join(root, file.replace(/mjs$/, 'd.mts')));
  expect(files.filter((file) => !isOwned(file))).toEqual([]);
});

function filesOf(project: string): readonly string[] {
  const args = ['--project', project, '--listFilesOnly'];
  return execFileSync('node_modules/.bin/tsc', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 24 }).split('\n');
}

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
