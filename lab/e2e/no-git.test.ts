import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';
import { toolModule, writeTool } from './src/tool-module.js';

let archive: string;

/** What an archive of the repository has of these commands, and no `.git`. */
beforeAll(async () => {
  archive = mkdtempSync(join(tmpdir(), 'rondo-archive-'));
  writeTool(archive);
  for (const part of ['lab/survey.mjs', 'lab/budget.mjs']) cpSync(join(root, part), join(archive, part));
  await toolModule('jest/test.ts', archive);
});
afterAll(() => rmSync(archive, { recursive: true, force: true }));

it.each([
  ['lab/survey', [], 'npm run lab -- survey'],
  ['lab/budget', [], 'npm run lab -- budget'],
  ['packages/rondo/dist/tests/jest-test', ['--changed'], 'npm test -- --changed'],
])('%s %j says in a line what it needs where git knows no files', async (task, args, command) => {
  const script = `const { main } = await import('./${task}.mjs'); process.exitCode = await main(${JSON.stringify(args)});`;
  const ended = await runNode(['--input-type=module', '--eval', script], { cwd: archive });
  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr: `${command}: git knows no files here: git init && git add . && git commit -m Start\n`,
  });
});
