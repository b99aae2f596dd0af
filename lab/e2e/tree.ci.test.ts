import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { watchTree } from '../../packages/rondo/src/dev/tree.js';

const FILE = 'services/a/src/x/file.ts';
let root: string;
let tree: ReturnType<typeof watchTree>;
let version = 0;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'rondo-tree-'));
  for (const folder of ['proto', 'packages', 'services']) mkdirSync(path.join(root, folder));
  write(FILE);
  tree = watchTree(root);
});
afterEach(() => {
  tree.close();
  rmSync(root, { recursive: true });
});

/** Writes new content to a file, and makes its folder. */
function write(file: string): void {
  version += 1;
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), `version ${version}`);
}

const move = (from: string, to: string) => renameSync(path.join(root, from), path.join(root, to));

/** The files whose change was noticed. */
async function changes(): Promise<readonly string[]> {
  await tree.changed(AbortSignal.timeout(300_000));
  return tree.takeChanges();
}

it('notices a file that is written, and one that a rename replaces', async () => {
  write(FILE);
  expect(await changes()).toEqual([FILE]);
  write(`${FILE}.saved`);
  move(`${FILE}.saved`, FILE);
  expect(await changes()).toEqual([FILE]);
});

it('notices a file in new folders, and the next change of it', async () => {
  const file = 'services/b/src/y/z/file.ts';
  write(file);
  expect(await changes()).toEqual([file]);
  write(file);
  expect(await changes()).toEqual([file]);
});

it.each([
  [
    'renamed another in its place',
    () => {
      write('services/a/src/new/file.ts');
      move('services/a/src/x', 'old');
      move('services/a/src/new', 'services/a/src/x');
    },
  ],
  [
    'removed and made it again',
    () => {
      rmSync(path.join(root, 'services/a/src/x'), { recursive: true });
      write(FILE);
    },
  ],
])('notices changes in a folder after git has %s', async (_how, replace) => {
  replace();
  expect(await changes()).toContain(FILE);
  write(FILE);
  expect(await changes()).toEqual([FILE]);
});
