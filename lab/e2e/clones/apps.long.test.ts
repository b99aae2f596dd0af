import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { freeBase, root, runNode, start } from '@rondo/harness';
import { ask, askJson } from '../../../e2e/src/front-door.js';

const parent = mkdtempSync(join(process.env['TMPDIR_ON_DISK'] ?? tmpdir(), 'rondo apps '));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** Makes an app, and resolves to its folder and its `rondo`, whose runs must end well. */
async function createApp(name: string, ...options: readonly string[]) {
  const app = join(parent, name);
  const created = await runNode([join(root, 'scripts/rondo.mjs'), 'create', app, ...options], { cwd: root });
  expect(created).toMatchObject({ code: 0 });
  const rondo = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runNode(['rondo', ...args], { cwd: app });
    expect({ args, code, output: code === 0 ? '' : stdout + stderr }).toEqual({ args, code: 0, output: '' });
    return stdout;
  };
  return { app, rondo };
}

it('an app with the samples passes their tests and its checks, serves them, and can be seeded', async () => {
  const { app, rondo } = await createApp('shop', '--samples');
  await rondo('check');
  await rondo('test');

  const base = await freeBase();
  const launcher = start(process.execPath, ['rondo', 'start', '--port-base', String(base)], { cwd: app });
  await launcher.printed(/Rondo is up/);
  const added = await askJson(`http://127.0.0.1:${base + 20}/add`, { a: 1, b: 2 });
  expect(added.text).toBe('{"result":3}');
  expect((await ask(`http://127.0.0.1:${base + 20}/v1/products`)).json()).toEqual({ products: [], nextPageToken: '' });
  expect(await rondo('seed')).toContain('30 products in 3 currencies');
  launcher.signal('SIGTERM');
  expect(await launcher.ended).toMatchObject({ code: 0 });
});

it('an app that was made without PostgreSQL takes services, a database, another name, and gives one up', async () => {
  const { app, rondo } = await createApp('plain', '--no-database', '--package-manager', 'pnpm');
  for (const name of ['notes', 'billing']) await rondo('new', 'service', name, '--skip-test');
  // Its test needs the embedded server, which was not installed before.
  expect(await rondo('new', 'service', 'ledger', '--with-database')).toContain('made without PostgreSQL');
  await rondo('check');

  renameSync(join(app, 'services/notes'), join(app, 'services/memos'));
  const rename = (file: string, from: RegExp, to: string) =>
    writeFileSync(join(app, file), readFileSync(join(app, file), 'utf8').replaceAll(from, to));
  rename('services/memos/package.json', /service-notes/g, 'service-memos');
  rename('services/memos/src/main.ts', /name: 'notes'/g, "name: 'memos'");
  rename('tsconfig.build.json', /services\/notes/g, 'services/memos');
  rename('docker-compose.yml', /(?<=^ {2}|plain-|SERVICE: )notes/gm, 'memos');
  expect(await runNode(['rondo', 'install'], { cwd: app })).toMatchObject({ code: 0 });
  await rondo('remove', 'service', 'billing', '--force');
  await rondo('check');
  await rondo('test');
});
