import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';

let archive: string;

/** What an archive of the repository has of these commands, and no `.git`. */
beforeAll(() => {
  archive = mkdtempSync(join(tmpdir(), 'rondo-archive-'));
  cpSync(join(root, 'scripts'), join(archive, 'scripts'), { recursive: true });
  writeFileSync(join(archive, 'package.json'), '{"type": "module"}');
});
afterAll(() => rmSync(archive, { recursive: true, force: true }));

it.each([
  ['survey', [], 'npm run survey'],
  ['budget', [], 'npm run budget'],
  ['test', ['--changed'], 'npm test -- --changed'],
])('npm run %s %j says in a line what it needs where git knows no files', async (task, args, command) => {
  const script = `const { main } = await import('./scripts/${task}.mjs'); process.exitCode = await main(${JSON.stringify(args)});`;
  const ended = await runNode(['--input-type=module', '--eval', script], { cwd: archive });
  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr: `${command}: git knows no files here: git init && git add . && git commit -m Start\n`,
  });
});
