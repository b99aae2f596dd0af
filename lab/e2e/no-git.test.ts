import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';

let archive: string;

/** What an archive of the repository has of these commands, and no `.git`. */
beforeAll(() => {
  archive = mkdtempSync(join(tmpdir(), 'rondo-archive-'));
  for (const part of ['scripts', 'lab/survey.mjs', 'lab/budget.mjs'])
    cpSync(join(root, part), join(archive, part), { recursive: true });
  writeFileSync(join(archive, 'package.json'), '{"type": "module"}');
});
afterAll(() => rmSync(archive, { recursive: true, force: true }));

it.each([
  ['lab/survey', [], 'npm run lab -- survey'],
  ['lab/budget', [], 'npm run lab -- budget'],
  ['scripts/test', ['--changed'], 'npm test -- --changed'],
])('%s %j says in a line what it needs where git knows no files', async (task, args, command) => {
  const script = `const { main } = await import('./${task}.mjs'); process.exitCode = await main(${JSON.stringify(args)});`;
  const ended = await runNode(['--input-type=module', '--eval', script], { cwd: archive });
  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr: `${command}: git knows no files here: git init && git add . && git commit -m Start\n`,
  });
});
