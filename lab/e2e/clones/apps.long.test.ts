import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { eventually, freeBase, root, runNode, start } from '@rondo/harness';
import { ask, askJson } from '../../../e2e/src/front-door.js';

const parent = mkdtempSync(join(process.env['TMPDIR_ON_DISK'] ?? tmpdir(), 'rondo apps '));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** Makes an app, and resolves to its folder and its `rondo`, whose runs must end well. */
async function createApp(name: string, ...options: readonly string[]) {
  const app = join(parent, name);
  const created = await runNode([join(root, 'scripts/rondo.mjs'), 'lab', 'create', app, ...options], { cwd: root });
  expect(created).toMatchObject({ code: 0 });
  const git = (...args: readonly string[]) =>
    start('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@test', ...args], { cwd: app }).ended;
  const commit = async () => {
    await git('add', '--all');
    await git('commit', '--quiet', '--message=More');
  };
  const rondo = async (...args: readonly string[]) => {
    await commit();
    const { code, stdout, stderr } = await runNode(['rondo', ...args], { cwd: app });
    expect({ args, code, output: code === 0 ? '' : stdout + stderr }).toEqual({ args, code: 0, output: '' });
    return stdout;
  };
  return { app, commit, rondo };
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
  const seeded = await runNode(['services/sales/dist/seed/main.js'], { cwd: app });
  expect(seeded).toMatchObject({ code: 0, stdout: expect.stringContaining('30 products in 3 currencies') });
  launcher.signal('SIGTERM');
  expect(await launcher.ended).toMatchObject({ code: 0 });
});

it('an app that was made without PostgreSQL takes services, resources, another name, and gives one up', async () => {
  const { app, commit, rondo } = await createApp('plain', '--no-database', '--package-manager', 'pnpm');
  await rondo('new', 'service', 'billing', '--skip-test');
  // Its test needs the embedded server, which was not installed before.
  const brought = await rondo('new', 'service', 'notes', '--with-database');
  expect(brought).toContain('made without PostgreSQL');
  await rondo('new', 'resource', 'note', '--service', 'notes', '--fields', 'title:string! sku:string@unique');
  await rondo('new', 'resource', 'note-part', '--service', 'notes', '--parent', 'note', '--fields', EACH);
  await commit();
  const again = await runNode(['rondo', 'new', 'resource', 'note', '--service', 'notes'], { cwd: app });
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('the resource note exists already') });
  await rondo('new', 'service', 'library', '--proto', join(root, 'lab/e2e/src/acme-library.proto'), '--with-database');
  // What is there needs nothing more: the standard methods are no stubs.
  for (const name of ['notes', 'library']) expect(await rondo('new', 'service', name)).toContain('nothing to do');
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

  const base = await freeBase();
  const launcher = start(process.execPath, ['rondo', 'start', '--port-base', String(base)], { cwd: app });
  await launcher.printed(/Rondo is up/);
  await useLibrary(`http://127.0.0.1:${base + 20}/v1`);
  launcher.signal('SIGTERM');
  expect(await launcher.ended).toMatchObject({ code: 0 });
});

/** Fields of each type; some have names that SQL reserves. */
const EACH =
  'body:string! state:enum(OPEN,DONE) price:money tags:string[] day:date order:int32 user:int64 weight:decimal size:double ' +
  'done:bool took:duration due_time:timestamp marks:int64[] data:bytes version:string@immutable next:ref(note) other:ref(note)[]';

/** Calls the standard methods of a stranger's contract over HTTP: no line of its service is written by hand. */
async function useLibrary(url: string): Promise<void> {
  const call = async (method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>> => {
    const sent = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const reply = await fetch(`${url}/${path}`, { method, ...sent });
    return { status: reply.status, ...Object(await reply.json()) };
  };
  const book = {
    title: 'Emma',
    author: 'authors/jane',
    state: 'IN_STOCK',
    tags: ['a', 'b'],
    order: 3,
    binding: { material: 'cloth', pages: '300' },
    price: { currencyCode: 'EUR', units: '12', nanos: 5 },
    printedTime: '1815-12-23T00:00:00Z',
  };
  const emma = 'shelves/sea/books/emma';
  // On a busy machine the gateway learns the contract a moment after the service has registered.
  await eventually(async () =>
    expect(await call('POST', 'shelves?shelf_id=sea', { theme: 'Sea' })).toMatchObject({ status: 200 }),
  );
  expect(await call('POST', 'shelves/none/books', book)).toMatchObject({ status: 404 });
  expect(await call('POST', 'shelves/sea/books', book)).toMatchObject({
    status: 400,
    message: expect.stringContaining("book.author: authors/jane doesn't exist"),
  });
  await call('POST', 'authors?author_id=jane', { displayName: 'Jane' });
  const made = await call('POST', 'shelves/sea/books?book_id=emma', book);
  expect(made).toMatchObject({ status: 200, name: emma, ...book });
  await call('POST', 'shelves/sea/books?book_id=persuasion', { ...book, title: 'Persuasion', order: 1 });
  expect(await call('GET', emma)).toEqual(made);

  const list = async (filter: string, orderBy = 'title') => {
    const query = new URLSearchParams({ filter, orderBy });
    const { books = [] } = await call('GET', `shelves/-/books?${query}`);
    return Array.isArray(books) ? books.map(({ title }) => title) : books;
  };
  expect(await list('state = "IN_STOCK" AND author = "authors/jane"', 'title desc')).toEqual(['Persuasion', 'Emma']);
  expect(await list('order > 2 AND printed_time < "1900-01-01T00:00:00Z"')).toEqual(['Emma']);

  const leaving = new AbortController();
  const watch = await fetch(`${url}/shelves/sea/books:watch`, { signal: leaving.signal });
  const events = watch.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await events?.read())?.value).toContain('"snapshot"');
  const change = { title: 'Emma 2', etag: made['etag'], state: 'LENT' };
  expect(await call('PATCH', `${emma}?update_mask=title`, change)).toMatchObject({
    title: 'Emma 2',
    state: 'IN_STOCK',
  });
  expect((await events?.read())?.value).toContain('"Emma 2"');
  leaving.abort();
  expect(await call('PATCH', `${emma}?update_mask=title`, change)).toMatchObject({ status: 409 });
  expect(await call('DELETE', 'shelves/sea')).toMatchObject({ status: 400, code: 9 });
  expect(await call('DELETE', emma)).toMatchObject({ deleteTime: expect.any(String) });
  expect(await list('')).toEqual(['Persuasion']);
  expect(await call('POST', `${emma}:undelete`, {})).toMatchObject({ title: 'Emma 2' });
  expect(await list('')).toEqual(['Emma 2', 'Persuasion']);
  expect(await call('POST', `${emma}:lend`, {})).toMatchObject({ status: 501 });
}
