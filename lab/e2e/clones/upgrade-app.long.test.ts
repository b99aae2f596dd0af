import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, root, runNode, start } from '@rondo/harness';

const CONTRACT = `syntax = "proto3";
package helloworld;

service Greeter {
  rpc SayHello (HelloRequest) returns (HelloReply) {}
}

message HelloRequest { string name = 1; }
message HelloReply { string message = 1; }
`;

/** In a clone, `rondo remove service` would take an import of this text for one of the clone's. */
const SCOPE = '@shop';
const HANDLERS = `import type { Handlers } from '@rondo/rpc/server';
import type { GreeterDefinition } from '${SCOPE}/contracts/helloworld/greeter';

/** The handlers of \`helloworld.Greeter\`. */
export const greeter: Handlers<typeof GreeterDefinition> = {
  sayHello: ({ name }) => ({ message: name.toUpperCase() }),
};
`;

/** The version of this tree, and one that is packed as the next. */
const PRESENT: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
const NEXT = '99.0.0';
/** An overlay from before RONDO_AUTH had to be set. */
const OVERLAY = 'infra/kubernetes/overlays/production';
const SETTINGS = 'configMapGenerator:\n  - name: rondo-settings\n    behavior: merge\n    literals:\n';

const parent = mkdtempSync(join(process.env['TMPDIR_ON_DISK'] ?? tmpdir(), 'rondo upgrade '));
const app = join(parent, 'shop');
const next = join(parent, 'next');
const handlers = join(app, 'services/hello/src/greeter.ts');

afterAll(() => rmSync(parent, { recursive: true, force: true }));

const task = (...args: readonly string[]) => runNode([join(root, 'scripts/rondo.mjs'), 'lab', ...args], { cwd: root });
const rondo = (...args: readonly string[]): Promise<Ended> => runNode(['rondo', ...args], { cwd: app });
const read = (file: string) => readFileSync(join(app, file), 'utf8');
const installed = () => JSON.parse(read('node_modules/@rondo/tool/package.json')).version;

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await start(program, args, { cwd: app }).ended;
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
  return stdout;
}

const git = (...args: readonly string[]) => run('git', '-c', 'user.name=Ada', '-c', 'user.email=ada@test', ...args);

async function commit(message: string): Promise<void> {
  await git('add', '--all');
  await git('commit', '--quiet', '--allow-empty', '--message', message);
}

/** Changes files of a packed package, each by a text that it must have. */
async function repack(name: string, changes: Readonly<Record<string, readonly [string, string]>>): Promise<void> {
  const tarball = join(next, `${name}-${NEXT}.tgz`);
  const folder = mkdtempSync(join(parent, 'package-'));
  await run('tar', '-xzf', tarball, '-C', folder);
  for (const [file, [from, to]] of Object.entries(changes)) {
    const text = readFileSync(join(folder, 'package', file), 'utf8');
    expect(text).toContain(from);
    writeFileSync(join(folder, 'package', file), text.replace(from, to));
  }
  await run('tar', '-czf', tarball, '-C', folder, 'package');
}

/** The next version: three files of the template are others, and a type has another name, by which no app builds. */
async function makeNext(): Promise<void> {
  expect(await task('pack', '--out', next, '--as', NEXT)).toMatchObject({ code: 0 });
  await repack('create-rondo', {
    'template/infra/docker/Dockerfile': ['STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGINT'],
    'template/docker-compose.yml': ['stop_grace_period: 25s', 'stop_grace_period: 30s'],
    'template/.editorconfig': ['max_line_length = 120', 'max_line_length = 100'],
  });
  await repack('rondo-rpc', { 'dist/exports/server.d.ts': ['type Handlers,', 'type Handlers as Methods,'] });
}

/** The team's own work on the app. */
async function work(): Promise<void> {
  writeFileSync(join(parent, 'greeter.proto'), CONTRACT);
  const from = ['--proto', join(parent, 'greeter.proto'), '--with-database', '--skip-test'];
  await commit('Mine');
  expect(await rondo('new', 'service', 'hello', ...from)).toMatchObject({ code: 0 });
  writeFileSync(handlers, HANDLERS);
  writeFileSync(
    join(app, 'services/hello/migrations/0002_greetings.sql'),
    'CREATE TABLE greetings (name text PRIMARY KEY);\n',
  );
  writeFileSync(join(app, 'vendor/own.txt'), 'mine');
  mkdirSync(join(app, OVERLAY), { recursive: true });
  writeFileSync(join(app, OVERLAY, 'kustomization.yaml'), `${SETTINGS}      - RONDO_GATEWAY_HOSTS=api.example.com\n`);
  writeFileSync(join(app, '.editorconfig'), read('.editorconfig').replace('length = 120', 'length = 140'));
}

beforeAll(async () => {
  expect(await task('create', app)).toMatchObject({ code: 0 });
  await commit('Start');
});

it('rondo upgrade changes nothing in an app that this version has made', async () => {
  const { stdout } = await rondo('upgrade', '--packages', join(root, '.rondo/packages'));
  expect(stdout).toBe(`The app has Rondo ${PRESENT}: none of its own files needs a change.\n`);
  expect(await git('status', '--porcelain')).toBe('');
});

describe('rondo upgrade', () => {
  beforeAll(async () => {
    await work();
    await commit('Work');
    await makeNext();
  });

  /** Takes a failed upgrade back, by the commands that it has printed. */
  async function takeBack(stderr: string): Promise<void> {
    const [, commands = 'false'] = /This takes it back: (.*)\n$/.exec(stderr) ?? [];
    await run('/bin/sh', '-c', `${commands}; rm -r node_modules`); // pnpm keeps what a version had: a real one never changes
    expect(await rondo('install')).toMatchObject({ code: 0 });
    expect([await git('status', '--porcelain'), installed()]).toEqual(['', PRESENT]);
  }

  it('says how it is taken back if a package is broken', async () => {
    const broken = join(parent, 'broken');
    cpSync(next, broken, { recursive: true });
    truncateSync(join(broken, `rondo-service-${NEXT}.tgz`), 1000);
    const { code, stderr } = await rondo('upgrade', '--packages', broken);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^FAILED +install .*rondo-service.*of 99\.0\.0 could/ms);
    await takeBack(stderr);
  });

  it('says how it is taken back if the app does not build', async () => {
    const { code, stderr } = await rondo('upgrade', '--packages', next);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^FAILED +build .*'Handlers'/ms) });
    await takeBack(stderr);
  });

  it('moves the app, keeps its own changes, and says what it leaves to the team', async () => {
    await repack('rondo-rpc', { 'dist/exports/server.d.ts': ['type Handlers as Methods,', 'type Handlers,'] });
    const upgraded = await rondo('upgrade', '--packages', next);
    expect(upgraded.code).toBe(0);
    expect(upgraded.stdout).toContain(`Upgraded from Rondo ${PRESENT} to ${NEXT}:\n`);
    expect(upgraded.stdout).toContain(
      '.editorconfig is left as you have edited it. The new template has otherwise:\n' +
        '  -max_line_length = 120\n  +max_line_length = 100\n',
    );

    expect([installed(), (await rondo('--version')).stdout]).toEqual([NEXT, `${NEXT}\n`]);
    const manifests = ['package.json', 'packages/contracts/package.json', 'services/hello/package.json'];
    const versions = manifests.flatMap((file) => read(file).match(/(?<="@rondo\/\w+": ").*(?=")/g) ?? []);
    expect(new Set(versions)).toEqual(new Set([NEXT]));
    expect(read('pnpm-lock.yaml')).not.toContain(`rondo-rpc-${PRESENT}`);

    expect(readdirSync(join(app, 'vendor')).filter((file) => !file.endsWith(`-${NEXT}.tgz`))).toEqual(['own.txt']);
    expect(read('.editorconfig')).toContain('max_line_length = 140');
    expect(read('infra/docker/Dockerfile')).toContain('STOPSIGNAL SIGINT');
    expect(read('docker-compose.yml')).toMatch(/stop_grace_period: 30s.*^ {2}hello:$/ms);
    const decided =
      / {6}#.*\n {6}- RONDO_AUTH=off\n {6}- RONDO_INSECURE=1\n {6}- RONDO_GATEWAY_HOSTS=api\.example\.com\n$/;
    expect(read(`${OVERLAY}/kustomization.yaml`)).toMatch(decided);
    expect(upgraded.stdout).toContain('starts only once RONDO_AUTH is set');
    expect(readFileSync(handlers, 'utf8')).toBe(HANDLERS);
    const changed = await git('diff', '--name-only', '--', 'proto', 'services', ':!*/main.ts'); // 0.2 had telemetry in each
    expect(changed.trim().split('\n')).toEqual(['services/greeter/package.json', 'services/hello/package.json']);
  });

  it('leaves an app that passes its checks and tests', async () => {
    await commit(`Rondo ${NEXT}`);
    const { code, stdout } = await rondo('check');
    expect(code === 0 ? '' : stdout).toBe('');
    expect(await rondo('test', 'services/greeter')).toMatchObject({ code: 0 });
  });
});
