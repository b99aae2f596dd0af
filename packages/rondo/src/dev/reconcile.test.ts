import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { Folder } from '../../test/scaffold/folder.js';
import { modulesOf } from './reconcile.js';

const pkg = (name: string) => JSON.stringify({ name, type: 'module', exports: { './*': './dist/*.js' } });

it('a service loads modules of packages of its workspace, whatever their scope, and none of third parties', () => {
  using app = new Folder({
    'services/shop/package.json': pkg('@acme/service-shop'),
    'services/shop/dist/main.js':
      'import "./shop.js"; import { a } from "@acme/contracts/a"; import b from "words/b"; import "pg"; import "node:fs"; import "path"; import "gone";',
    'services/shop/dist/shop.js': 'export const text = "from \'#other\'";',
    'packages/contracts/package.json': pkg('@acme/contracts'),
    'packages/contracts/dist/a.js': 'import "./c.js";',
    'packages/contracts/dist/c.js': '',
    'packages/words/package.json': pkg('words'),
    'packages/words/dist/b.js': '',
    'node_modules/pg/index.js': '',
  });
  mkdirSync(path.join(app.path, 'node_modules/@acme'));
  for (const [name, folder] of [
    ['@acme/contracts', 'contracts'],
    ['words', 'words'],
  ] as const)
    symlinkSync(path.join(app.path, 'packages', folder), path.join(app.path, 'node_modules', name));
  const found = modulesOf(path.join(app.path, 'services/shop/dist/main.js'));
  expect(found.map((file) => path.relative(app.path, file))).toEqual([
    'packages/contracts/dist/a.js',
    'packages/contracts/dist/c.js',
    'packages/words/dist/b.js',
    'services/shop/dist/main.js',
    'services/shop/dist/shop.js',
  ]);
});
