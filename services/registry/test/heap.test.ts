import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';

it('is collected by a flag that this Node knows', () => {
  const main = readFileSync(new URL('../src/main.ts', import.meta.url), 'utf8');
  const flag = /setFlagsFromString\('(?<flag>.+)'\)/.exec(main)?.groups?.['flag'] ?? '';
  expect(flag).toMatch(/^--heap-/);
  const { status, stderr } = spawnSync(process.execPath, [flag, '--eval', ''], { encoding: 'utf8' });
  expect({ status, stderr }).toMatchObject({ status: 0 });
});
