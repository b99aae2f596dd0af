import { expect, it } from '@jest/globals';
import { Folder, root } from '../../test/scaffold/folder.js';
import { packagesOf } from './packages.js';

it('are those of the repository that compiles them', () => {
  const packages = packagesOf(root);
  expect(packages).toMatchObject({ contracts: '@rondo/contracts', scope: '@rondo' });
  expect([packages.versionOf('rpc'), packages.compiles('rpc')]).toEqual(['workspace:*', true]);
});

it('are installed in the version of @rondo/tool, if the workspace has only contracts of its own', () => {
  using app = new Folder({
    'packages/contracts/package.json': '{"name": "@shop/contracts"}',
    'package.json': '{"devDependencies": {"@rondo/tool": "1.2.3"}}',
  });
  const packages = packagesOf(app.path);
  expect(packages).toMatchObject({ contracts: '@shop/contracts', scope: '@shop' });
  expect([packages.versionOf('rpc'), packages.compiles('rpc')]).toEqual(['1.2.3', false]);
});
