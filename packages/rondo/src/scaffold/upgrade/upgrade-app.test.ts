import { expect, it } from '@jest/globals';
import { Folder, root } from '../../../test/scaffold/folder.js';
import { mergeTemplates } from './migration.js';
import { atVersion, inFolder, isOlder, upgradeApp } from './upgrade-app.js';

const clean = { isCommitted: true, written: new Map() };

it("refuses Rondo's own repository, which is no app", async () => {
  const on = { root, tool: `${root}/packages/rondo`, signal: new AbortController().signal };
  const progress = { step: async <T>(_: string, work: () => T | Promise<T>) => work() };
  const upgraded = upgradeApp({ ...on, version: undefined, packages: undefined, force: false, progress, ...clean });
  await expect(upgraded).rejects.toThrow(
    "this is Rondo's own repository, and no app that installs its packages; merge",
  );
});

it("moves all packages of Rondo in a manifest, and not the workspace's own", () => {
  const text = '{ "@rondo/rpc": "0.1.0", "@rondo/a": "workspace:*", "@rondo/tool": "^0.1.0", "pg": "0.1.0" }';
  expect(atVersion(text, '0.2.0')).toBe(
    '{ "@rondo/rpc": "0.2.0", "@rondo/a": "workspace:*", "@rondo/tool": "0.2.0", "pg": "0.1.0" }',
  );
});

it('finds the packages of a version in a folder', () => {
  using one = new Folder({ 'rondo-tool-0.2.0.tgz': '', 'create-rondo-0.2.0.tgz': '', 'rondo-rpc-0.1.0.tgz': '' });
  const tarballs = [`${one.path}/create-rondo-0.2.0.tgz`, `${one.path}/rondo-tool-0.2.0.tgz`];
  expect(inFolder(one.path, undefined)).toEqual({ version: '0.2.0', tarballs });
  expect(() => inFolder(one.path, '0.3.0')).toThrow('has no packages of 0.3.0; npm run pack');
  expect(() => inFolder(`${one.path}/none`, undefined)).toThrow('none has no packages; npm run pack');
  using two = new Folder({ 'rondo-tool-0.2.0.tgz': '', 'rondo-tool-0.2.0-rc.1.tgz': '' });
  expect(() => inFolder(two.path, undefined)).toThrow(
    /has packages of 0.2.0(?:-rc.1)?, 0.2.0(?:-rc.1)?; name the version/,
  );
  expect(inFolder(two.path, '0.2.0').tarballs).toEqual([`${two.path}/rondo-tool-0.2.0.tgz`]);
});

it('orders versions', () => {
  const ordered = ['0.2.0-rc.9', '0.2.0-rc.10', '0.2.0', '0.2.1-rc.1', '0.10.0', '1.0.0'];
  for (const [index, version] of ordered.entries()) {
    expect(ordered.filter((other) => isOlder(other, version))).toEqual(ordered.slice(0, index));
  }
});

it('plans what the new template changes in an app', async () => {
  const pins = (jest: string, more = '') => `{\n  "devDependencies": {\n    "jest": "${jest}"${more}\n  }\n}\n`;
  using app = new Folder({
    'package.json': pins('1.0.0', ',\n    "mine": "3.0.0"'),
    Dockerfile: 'FROM node:20\n',
    '.editorconfig': 'length = 140\n',
    gone: 'a\n',
  });
  const before = {
    'package.json': pins('1.0.0'),
    Dockerfile: 'FROM node:20\n',
    '.editorconfig': 'length = 120\n',
    gone: 'a\n',
  };
  const after = {
    'package.json': pins('2.0.0'),
    Dockerfile: 'FROM node:24\n',
    '.editorconfig': 'length = 100\n',
    made: 'b\n',
  };
  expect(await mergeTemplates(app.path, { before, after })).toEqual({
    files: {
      'package.json': pins('2.0.0', ',\n    "mine": "3.0.0"'),
      Dockerfile: 'FROM node:24\n',
      gone: null,
      made: 'b\n',
    },
    left: [{ file: '.editorconfig', lines: '-length = 120\n+length = 100' }],
  });
});
