import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, freeBase, isAlive, root, runNode, start } from '@rondo/harness';
import { ask } from '../../../e2e/src/front-door.js';

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

const git = (...args: readonly string[]) => start('git', args, { cwd: app }).ended;

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

  it('is built and checked without any service, too, and takes the next one', async () => {
    expect(await rondo('remove', 'service', 'greeter', '--force')).toMatchObject({ code: 0 });
    expect(await rondo('build')).toMatchObject({ code: 0 });
    const { stdout } = await rondo('check');
    expect(stdout.match(/^FAILED.*$/gm)).toBeNull();
    expect(stdout).toMatch(/^SKIPPED contracts: lint .* there are no contracts$/m);
    expect(await rondo('new', 'service', 'next', '--force', '--skip-test')).toMatchObject({ code: 0 });
  });
});
