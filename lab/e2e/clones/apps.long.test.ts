import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freeBase, root, runNode, start } from '@rondo/harness';
import { readGuide } from '../../../e2e/src/docs.js';
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
  return { app, git, commit, rondo };
}

it('an app with the samples passes their tests and its checks, serves them, and can be seeded', async () => {
  const { app, rondo } = await createApp('samples', '--samples');
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

const GREETER = `syntax = "proto3";
package helloworld;

import "google/type/money.proto";

service Greeter {
  rpc SayHello (HelloRequest) returns (HelloReply) {}
}

message HelloRequest { string name = 1; google.type.Money tip = 2; }
message HelloReply { string message = 1; }
`;

describe('an app follows', () => {
  const guide = readGuide('rules-jobs-and-events.md');
  let made: Awaited<ReturnType<typeof createApp>>;
  const rondo = (...args: readonly string[]) => runNode(['rondo', ...args], { cwd: made.app });
  const mine = (code: string) => code.replaceAll('@my-app/', '@shop/');
  const read = (file: string) => readFileSync(join(made.app, file), 'utf8');
  const write = (file: string, text: string) => writeFileSync(join(made.app, file), text);
  const sh = (line = '') =>
    start('/bin/sh', ['-c', line.replace('./rondo', `"${process.execPath}" rondo`)], { cwd: made.app }).ended;

  /** Replaces a part of a file, as the guide says. */
  function edit(file: string, part: string | RegExp, by: string): void {
    const text = read(file);
    expect(text).toMatch(part);
    write(file, text.replace(part, by));
  }

  beforeAll(async () => {
    made = await createApp('shop');
  });

  it("takes a stranger's contract with a database, and gives it up again", async () => {
    await made.commit();
    writeFileSync(join(parent, 'greeter.proto'), GREETER);
    // As of a second system, which runs.
    const data = join(parent, 'second');
    mkdirSync(data);
    const note = { pid: process.pid, socket: join(data, 'launcher.sock'), registry: '127.0.0.1:51050' };
    writeFileSync(join(data, 'launcher.json'), JSON.stringify(note));
    const answer = '{"event":"done","rows":[],"processes":[]}\n';
    const launcher = createServer((asked) => asked.end(answer)).listen(note.socket);
    const args = ['--proto', join(parent, 'greeter.proto'), '--with-database', '--data', data];
    const hello = await rondo('new', 'service', 'hello', ...args).finally(() => launcher.close());
    expect(hello).toMatchObject({ code: 0, stderr: expect.stringMatching(/^ok +test /m) });
    expect(hello.stdout).toContain("./rondo call helloworld.Greeter/SayHello '{}' --registry 127.0.0.1:51050\n");
    expect(await rondo('remove', 'service', 'hello', '--force')).toMatchObject({ code: 0 });
    expect((await made.git('status', '--porcelain', '--untracked-files=all')).stdout).toBe('');
  });

  it('says which plugin a variable needs, takes it, also in a bundle, and gives it up again', async () => {
    const missing =
      'RONDO_REGISTRY: consul://… needs the plugin @rondo/registry-consul: run `rondo add registry-consul`, ';
    const env = { RONDO_REGISTRY: 'consul://127.0.0.1:1', RONDO_LISTEN: '127.0.0.1:0' };
    for (const file of ['services/greeter/dist/main.js', 'bundle/greeter/dist/main.mjs']) {
      if (file.startsWith('bundle')) expect(await rondo('bundle')).toMatchObject({ code: 0 });
      const { code, stderr } = await runNode([file], { cwd: made.app, env });
      expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringContaining(missing) });
    }
    expect(await rondo('add', 'registry-consul')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Added registry-consul: greeter\n'),
    });
    await made.commit();
    expect(await rondo('add', 'registry-consul')).toMatchObject({
      code: 0,
      stdout: 'Nothing to do: the services have registry-consul.\n',
    });
    expect(await rondo('bundle')).toMatchObject({ code: 0 });
    for (const file of ['services/greeter/dist/main.js', 'bundle/greeter/dist/main.mjs']) {
      const service = start(process.execPath, [file], { cwd: made.app, env });
      await service.printed(/listening on/);
      service.signal('SIGTERM');
      expect(await service.ended).toMatchObject({ code: 0 });
    }
    expect(await rondo('remove', 'registry-consul')).toMatchObject({ code: 0 });
    expect((await made.git('diff', 'HEAD~1')).stdout).toBe('');
    await made.commit();
  });

  it('has rules, owners, jobs and events by their guide', async () => {
    for (const line of guide.commands.filter((one) => one.startsWith('./rondo new '))) {
      await made.commit();
      expect(await sh(`${line}${line.includes('new service') ? ' --skip-test' : ''}`)).toMatchObject({ code: 0 });
    }
    const { code, stdout } = await rondo('check');
    expect({ code, missing: stdout.match(/add \w+ to the \w+ of create\w+/g) }).toEqual({
      code: 1,
      missing: [
        'add ConfirmBookingServiceDefinition to the services of createJobs',
        'add ForgetBookingsServiceDefinition to the services of createJobs',
        'add BookingMade to the topics of createTopics',
        'add OnBookingMadeServiceDefinition to the services of createSubscriber',
      ],
    });
    for (const file of guide.files.filter((one) => one.includes('/'))) write(file, mine(guide.code(file)));
    const [statement] = read('services/hotel/src/forget-bookings.ts').match(/^.*replace this by.*\n/m) ?? ['none'];
    edit('proto/hotel/v1/forget_bookings.proto', '      job: {max_attempts: 12}\n', guide.code('schedule'));
    edit('services/hotel/src/forget-bookings.ts', statement, guide.code('statement'));
    edit('services/hotel/src/forget-bookings.ts', '(request)', '()');
    edit('services/kitchen/src/on-booking-made.ts', statement, guide.code('event'));
    edit('services/kitchen/src/on-booking-made.ts', /^/, "import { meals } from './meals.js';\n");
    edit('services/kitchen/test/on-booking-made.test.ts', '({})', "({ name: 'bookings/b1' })");
    expect(await rondo('build')).toMatchObject({ code: 0 });
    const tested = await rondo('test', 'services/(hotel|kitchen)');
    expect({ ...tested, stderr: tested.stderr.slice(-2_000) }).toMatchObject({ code: 0 });
    const checked = await rondo('check');
    // The import that a reader writes may stand in another order.
    expect(checked.stdout.match(/^FAILED.*(?:jobs|migrations|types|contracts).*$/gm)).toBeNull();
  });

  it('writes the migration of a changed contract, and fails its check without it', async () => {
    const contract = 'proto/kitchen/v1/meals.proto';
    const [line = 'none', number] = /^ {2}string guest = (\d+)/m.exec(read(contract)) ?? [];
    edit(contract, line, `  string room = ${Number(number) + 10};\n${line}`);
    const added = "ALTER TABLE meals ADD COLUMN room text NOT NULL DEFAULT '';";
    expect((await rondo('check')).stdout).toContain(added);
    expect(await rondo('new', 'service', 'kitchen')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('services/kitchen/migrations/0002_more_meals.sql'),
    });
    const [note, ...statements] = read('services/kitchen/migrations/0002_more_meals.sql').trim().split('\n');
    expect([note, statements.join('\n')]).toEqual([expect.stringContaining('columns: { newName:'), added]);
    expect((await rondo('new', 'service', 'kitchen')).stdout).toContain('nothing to do');
  });

  it('runs the job and delivers the event of a booking', async () => {
    const base = await freeBase();
    const launcher = start(process.execPath, ['rondo', 'start', '--port-base', String(base)], { cwd: made.app });
    try {
      await launcher.printed(/Rondo is up/);
      const [create, meal, booking] = guide.commands
        .filter((one) => one.startsWith('curl '))
        .map((one) => one.replace('curl ', 'curl -s ').replace('127.0.0.1:8080', `127.0.0.1:${base + 20}`));
      // A group gets what is published after its registration.
      await eventually(async () =>
        expect((await rondo('events', 'ls')).stdout).toContain('hotel.v1.BookingMade:kitchen'),
      );
      expect(JSON.parse((await sh(create)).stdout)).toMatchObject({ name: 'bookings/b1' });
      await eventually(async () => {
        expect(JSON.parse((await sh(meal)).stdout)).toMatchObject({ guest: 'bookings/b1' });
        expect(JSON.parse((await sh(booking)).stdout)).toMatchObject({ confirmTime: expect.any(String) });
      });
      expect((await rondo('jobs', 'ls')).stdout).toMatch(/ForgetBookings .*0 3 \* \* \* Europe\/Berlin/);
    } finally {
      launcher.signal('SIGTERM');
      await launcher.ended;
    }
  });
});
