import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Clone, cloneRepository } from '../src/repository.js';

let clone: Clone;

beforeAll(async () => {
  clone = await cloneRepository();
  await clone.git('clean', '--force', '-d', '-x', '--quiet', 'packages', 'services', '.rondo');
  rmSync(join(clone.root, 'node_modules/.rondo-installed'));
});
afterAll(() => clone?.remove());

it('commands that are typed during the first build wait for it', async () => {
  const started = [
    clone.node('scripts/rondo.mjs', 'build'),
    clone.rondo('--help'),
    clone.node('scripts/rondo.mjs', 'generate'),
  ];
  const [build, rondo, generate] = await Promise.all(started);
  expect(build).toMatchObject({ code: 0 });
  expect(rondo).toMatchObject({ code: 0, stdout: expect.stringContaining('  ps  ') });
  expect(generate).toMatchObject({ code: 0 });
  const printed = [build, rondo, generate].map((one) => one?.stderr).join('');
  expect(printed).toMatch(/Waiting for another command's step "\w+" \(process \d+\) …/);
});

it('npm run check passes where git knows no files, and says what it has left out', async () => {
  rmSync(join(clone.root, '.git'), { recursive: true });
  const { code, stdout, stderr } = await clone.node('scripts/rondo.mjs', 'check');
  const failed = stdout.match(/^ {2}failed: .*$/gm);
  expect({ code, failed }).toEqual({ code: 0, failed: null });
  expect(stderr).not.toContain('fatal:');
  expect(stdout).toMatch(
    /^SKIPPED links of docs .* git knows no files here: git init && git add \. && git commit -m Start$/m,
  );
});
