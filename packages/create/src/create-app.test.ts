import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { isInRepository } from './create-app.js';

const repository = mkdtempSync(path.join(tmpdir(), 'rondo-in-'));
const apart = mkdtempSync(path.join(tmpdir(), 'rondo-apart-'));
afterAll(() => {
  for (const folder of [repository, apart]) rmSync(folder, { recursive: true });
});

it('an app is part of the repository that its folder is in, unless that ignores it', () => {
  spawnSync('git', ['init', '--quiet', repository]);
  writeFileSync(path.join(repository, '.gitignore'), 'ignored\n');
  const [shop, ignored] = ['apps/shop', 'ignored/shop'].map((folder) => path.join(repository, folder));
  for (const folder of [shop, ignored]) mkdirSync(String(folder), { recursive: true });
  expect([shop, ignored, apart].map((folder) => isInRepository(String(folder)))).toEqual([true, false, false]);
});
