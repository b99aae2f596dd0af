import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runNode } from '@rondo/harness';
import { toolModule, writeTool } from './src/tool-module.js';

let archive: string;

/** What an archive of the repository has of the command, and no `.git`. */
beforeAll(async () => {
  archive = mkdtempSync(join(tmpdir(), 'rondo-archive-'));
  writeTool(archive);
  await toolModule('jest/test.ts', archive);
});
afterAll(() => rmSync(archive, { recursive: true, force: true }));

const changed = (env: Readonly<Record<string, string>> = {}) => {
  const module = './packages/rondo/dist/tests/jest-test.mjs';
  const script = `const { main } = await import('${module}'); process.exitCode = await main(['--changed']);`;
  return runNode(['--input-type=module', '--eval', script], { cwd: archive, env });
};

it('npm test -- --changed says in a line what it needs where git knows no files', async () => {
  const stderr = 'npm test -- --changed: git knows no files here: git init && git add . && git commit -m Start\n';
  expect(await changed()).toEqual({ code: 1, stdout: '', stderr });
});

it('and where git refuses the repository of another account', async () => {
  execFileSync('git', ['init', '--quiet'], { cwd: archive });
  const { stderr } = await changed({ GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' });
  expect(stderr).toMatch(
    /^npm test -- --changed: git refuses .* account: git config --global --add safe\.directory \S+\n$/,
  );
});
