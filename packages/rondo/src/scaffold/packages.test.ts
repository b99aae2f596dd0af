import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from '@jest/globals';
import { packagesOf } from './packages.js';

const folder = mkdtempSync(path.join(tmpdir(), 'rondo-app-'));
afterEach(() => rmSync(folder, { recursive: true }));

it('are those of the repository that compiles them', () => {
  const packages = packagesOf(fileURLToPath(new URL('../../../..', import.meta.url)));
  expect(packages).toMatchObject({ contracts: '@rondo/contracts', scope: '@rondo' });
  expect([packages.versionOf('rpc'), packages.compiles('rpc')]).toEqual(['workspace:*', true]);
});

it('are installed in the version of @rondo/tool, if the workspace has only contracts of its own', () => {
  mkdirSync(path.join(folder, 'packages/contracts'), { recursive: true });
  writeFileSync(path.join(folder, 'packages/contracts/package.json'), '{"name": "@shop/contracts"}');
  writeFileSync(path.join(folder, 'package.json'), '{"devDependencies": {"@rondo/tool": "1.2.3"}}');
  const packages = packagesOf(folder);
  expect(packages).toMatchObject({ contracts: '@shop/contracts', scope: '@shop' });
  expect([packages.versionOf('rpc'), packages.compiles('rpc')]).toEqual(['1.2.3', false]);
});
