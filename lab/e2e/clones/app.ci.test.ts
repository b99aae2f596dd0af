import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, eventually, freeBase, isAlive, root, runNode, start } from '@rondo/harness';
import { readGuide } from '../../../e2e/src/docs.js';
import { ask } from '../../../e2e/src/front-door.js';

const GREETER = `syntax = "proto3";
package helloworld;

import "google/type/money.proto";

service Greeter {
  rpc SayHello (HelloRequest) returns (HelloReply) {}
}

message HelloRequest { string name = 1; google.type.Money tip = 2; }
message HelloReply { string message = 1; }
`;

// The space is meant.
const parent = mkdtempSync(join(process.env['TMPDIR_ON_DISK'] ?? tmpdir(), 'rondo app '));
const app = join(parent, 'shop');
const rondo = (...args: readonly string[]): Promise<Ended> => runNode(['rondo', ...args], { cwd: app });

beforeAll(async () => {
  const created = await runNode([join(root, 'scripts/rondo.mjs'), 'lab', 'create', app], { cwd: root });
  expect(created).toMatchObject({ code: 0, stdout: expect.stringContaining(`\n  cd ${app}\n  npm start\n`) });
  expect(`${created.stdout}${created.stderr}`).not.toContain('Unsupported engine');
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const guide = readGuide('rules-jobs-and-events.md');
const mine = (code: string) => code.replaceAll('@my-app/', '@shop/');
const read = (file: string) => readFileSync(join(app, file), 'utf8');
const write = (file: string, text: string) => writeFileSync(join(app, file), text);
const sh = (line = '') =>
  start('/bin/sh', ['-c', line.replace('./rondo', `"${process.execPath}" rondo`)], { cwd: app }).ended;

/** Replaces a part of a file, as the guide says. */
function edit(file: string, part: string | RegExp, by: string): void {
  const text = read(file);
  expect(text).toMatch(part);
  write(file, text.replace(part, by));
}

const git = (...args: readonly string[]) => start('git', args, { cwd: app }).ended;

/** Commits everything, as commands that write ask for. */
async function commit(): Promise<void> {
  await git('add', '--all');
  await git('-c', 'user.name=Test', '-c', 'user.email=test@rondo.example', 'commit', '--quiet', '--message=More');
}

/** Gives the app's service a page. Returns what takes it away. */
function addPage(): () => void {
  const manifest = join(app, 'services/greeter/package.json');
  const page = join(app, 'services/greeter/page');
  const before = readFileSync(manifest, 'utf8');
  mkdirSync(page);
  writeFileSync(join(page, 'main.tsx'), "document.title = 'Greetings to all';\n");
  writeFileSync(manifest, before.replace('"rondo": {', '"rondo": { "page": "greetings",'));
  return () => {
    rmSync(page, { recursive: true });
    writeFileSync(manifest, before);
  };
}

describe('an app that npm run create has made', () => {
  it('is small, and takes nothing from this repository but packages', async () => {
    const { stdout } = await git('ls-files', '--cached', '--others', '--exclude-standard');
    const owned = stdout
      .trim()
      .split('\n')
      .filter((file) => !file.startsWith('vendor/') && file !== 'pnpm-lock.yaml');
    expect(owned.length).toBeLessThanOrEqual(40);
    const packages = readdirSync(join(app, 'node_modules/@rondo'));
    expect(packages).toEqual(expect.arrayContaining(['contracts', 'gateway', 'registry', 'tool']));
    for (const name of packages) {
      expect(realpathSync(join(app, 'node_modules/@rondo', name)).startsWith(realpathSync(app) + sep)).toBe(true);
    }
  });

  it('passes its tests and checks', async () => {
    expect(await rondo('test')).toMatchObject({ code: 0, stderr: expect.stringContaining('3 passed, 3 total') });
    const { code, stdout } = await rondo('check');
    expect({ code, failed: stdout.match(/^FAILED.*$/gm) }).toEqual({ code: 0, failed: null });
  });

  it('starts, and answers by discovery, with reflection, and over HTTP', async () => {
    const base = await freeBase();
    const removePage = addPage();
    const launcher = start(process.execPath, ['rondo', 'start', '--port-base', String(base)], { cwd: app });
    await launcher.printed(/Rondo is up/);
    // It finds the system of its app, which has other ports than by default.
    const called = await rondo('call', 'GreeterService/Echo', '{"text": "hello"}');
    expect(called).toMatchObject({ code: 0, stdout: expect.stringContaining('"text": "hello"') });
    const described = await rondo('describe', 'GreeterService', '--address', `127.0.0.1:${base + 10}`);
    expect(described).toMatchObject({ code: 0, stdout: expect.stringContaining('rpc Count') });
    const counted = await ask(`http://127.0.0.1:${base + 20}/v1/greeter:count?to=2`);
    expect(counted.text).toBe('{"number":1}\n{"number":2}\n');
    // It has a page of its own, and none of the samples.
    const home = await ask(`http://127.0.0.1:${base + 20}/`);
    expect(home.text.match(/<a href="[a-z]+">/g)).toEqual(['<a href="console">', '<a href="greetings">']);
    for (const [path, part] of [
      ['console', '<script type="module" src="console/main.js">'],
      ['greetings', '<script type="module" src="greetings/main.js">'],
      ['greetings/main.js', 'Greetings to all'],
    ]) {
      expect((await ask(`http://127.0.0.1:${base + 20}/${path}`)).text).toContain(part);
    }
    const examined = await rondo('doctor');
    expect(examined.stdout).not.toMatch(/^FAIL/m);

    launcher.signal('SIGTERM');
    expect(await launcher.ended).toMatchObject({ code: 0 });
    removePage();
    expect(launcher.process.pid === undefined || isAlive(launcher.process.pid)).toBe(false);
  });

  it("takes a stranger's contract with a database, and gives it up again", async () => {
    await commit();
    writeFileSync(join(parent, 'greeter.proto'), GREETER);
    // As of a second system, which runs.
    const data = join(parent, 'second');
    mkdirSync(data);
    const launcher = { pid: process.pid, socket: join(data, 'launcher.sock'), registry: '127.0.0.1:51050' };
    writeFileSync(join(data, 'launcher.json'), JSON.stringify(launcher));
    const args = ['--proto', join(parent, 'greeter.proto'), '--with-database', '--data', data];
    const made = await rondo('new', 'service', 'hello', ...args);
    expect(made).toMatchObject({ code: 0, stderr: expect.stringMatching(/^ok +test /m) });
    expect(made.stdout).toContain("./rondo call helloworld.Greeter/SayHello '{}' --registry 127.0.0.1:51050\n");
    expect(await rondo('remove', 'service', 'hello', '--force')).toMatchObject({ code: 0 });
    expect((await git('status', '--porcelain', '--untracked-files=all')).stdout).toBe('');
  });

  it('says which plugin a variable needs, takes it, also in a bundle, and gives it up again', async () => {
    const missing =
      'RONDO_REGISTRY: consul://… needs the plugin @rondo/registry-consul: run `rondo add registry-consul`, ';
    const env = { RONDO_REGISTRY: 'consul://127.0.0.1:1', RONDO_LISTEN: '127.0.0.1:0' };
    for (const file of ['services/greeter/dist/main.js', 'bundle/greeter/dist/main.mjs']) {
      if (file.startsWith('bundle')) expect(await rondo('bundle')).toMatchObject({ code: 0 });
      const { code, stderr } = await runNode([file], { cwd: app, env });
      expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringContaining(missing) });
    }
    expect(await rondo('add', 'registry-consul')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Added registry-consul: greeter\n'),
    });
    await commit();
    expect(await rondo('add', 'registry-consul')).toMatchObject({
      code: 0,
      stdout: 'Nothing to do: the services have registry-consul.\n',
    });
    expect(await rondo('bundle')).toMatchObject({ code: 0 });
    for (const file of ['services/greeter/dist/main.js', 'bundle/greeter/dist/main.mjs']) {
      const service = start(process.execPath, [file], { cwd: app, env });
      await service.printed(/listening on/);
      service.signal('SIGTERM');
      expect(await service.ended).toMatchObject({ code: 0 });
    }
    expect(await rondo('remove', 'registry-consul')).toMatchObject({ code: 0 });
    expect((await git('diff', 'HEAD~1')).stdout).toBe('');
    await commit();
  });

  it('has rules, owners, jobs and events by their guide', async () => {
    for (const line of guide.commands.filter((one) => one.startsWith('./rondo new '))) {
      await commit();
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
    expect(read('services/kitchen/migrations/0002_more_meals.sql').trim()).toBe(added);
    expect((await rondo('new', 'service', 'kitchen')).stdout).toContain('nothing to do');
  });

  it('runs the job and delivers the event of a booking', async () => {
    const base = await freeBase();
    const launcher = start(process.execPath, ['rondo', 'start', '--port-base', String(base)], { cwd: app });
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
