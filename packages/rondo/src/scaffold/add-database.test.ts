import { expect, it } from '@jest/globals';
import { renderTemplate, withVendored } from 'create-rondo';
import { Folder } from '../../test/scaffold/folder.js';
import { addDatabase, WORKSPACE } from './add-database.js';
import { addToCompose, COMPOSE } from './workspace-files/compose-file.js';

const pinned = '@biomejs/biome @bufbuild/buf @bufbuild/protobuf @jest/globals @types/node jest pnpm typescript version';
const versions = Object.fromEntries(pinned.split(' ').map((name) => [name, '1.2.3']));
const template = (withDatabase: boolean) =>
  renderTemplate({ name: 'shop', withDatabase, packageManager: 'npm', versions });
const text = (files: Readonly<Record<string, string>>, file: string) => files[file] ?? '';
const service = { service: 'greeter', port: 50_060, database: undefined };

/** An app with a service and packages in vendor/, as `npm run create` makes it. */
function appOf(files: Readonly<Record<string, string>>) {
  return {
    ...files,
    [COMPOSE]: addToCompose(text(files, COMPOSE), service),
    [WORKSPACE]: withVendored(text(files, WORKSPACE), ['rondo-rpc-0.1.0.tgz']),
  };
}

it('an app that was made without PostgreSQL becomes what it would be with it', async () => {
  const app = appOf(template(false));
  using folder = new Folder(app);
  const added = await addDatabase(folder.path, versions);
  expect([...added.keys()].sort()).toEqual([COMPOSE, WORKSPACE].sort());
  expect({ ...app, ...Object.fromEntries(added) }).toEqual(appOf(template(true)));
});

it('one that has it stays as it is', async () => {
  using folder = new Folder(appOf(template(true)));
  expect(await addDatabase(folder.path, versions)).toEqual(new Map());
});

it('edits in its way are named with what to do', async () => {
  const app = appOf(template(false));
  using folder = new Folder({ ...app, [COMPOSE]: text(app, COMPOSE).replace(/^services:$/m, 'services: # mine') });
  await expect(addDatabase(folder.path, versions)).rejects.toThrow(
    /^docker-compose\.yml: PostgreSQL is missing, and its lines are edited; change it by hand, .*:\n\+volumes:\n/,
  );
});
