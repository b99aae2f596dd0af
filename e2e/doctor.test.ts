import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { freeBase } from './src/ports.js';
import { node, root } from './src/run.js';

interface Finding {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
  readonly remedy?: string;
}

let folder: string;
let base: number;

beforeAll(async () => {
  base = await freeBase();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-doctor-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Nothing of whoever runs the tests. */
const UNSET = { RONDO_REGISTRY: '', RONDO_DATABASE_ADMIN_URL: '' };

/** Runs the doctor of a clone, and returns what it found by name. */
async function examine(clone: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const { code, stdout } = await node([join(clone, 'scripts/rondo.mjs'), 'doctor', '--json', ...args], {
    ...UNSET,
    ...env,
  });
  const { healthy, findings }: { healthy: boolean; findings: readonly Finding[] } = JSON.parse(stdout);
  expect(code).toBe(healthy ? 0 : 1);
  return Object.fromEntries(findings.map((finding) => [finding.name, finding]));
}

describe('of a clone that is not whole', () => {
  let clone: string;

  /** What git holds of it, as far as the doctor looks: nothing is installed, generated or built. */
  beforeEach(() => {
    clone = join(folder, 'a clone');
    const parents = ['packages', 'services'].flatMap((parent) =>
      readdirSync(join(root, parent)).map((name) => `${parent}/${name}`),
    );
    const manifests = ['.', 'e2e', 'bench', ...parents].map((parent) => `${parent}/package.json`);
    for (const file of [
      'scripts',
      'proto',
      'buf.yaml',
      'buf.gen.yaml',
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
      ...manifests,
    ]) {
      cpSync(join(root, file), join(clone, file), { recursive: true });
    }
  });

  const put = (file: string, text: string) => {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    writeFileSync(join(clone, file), text);
  };
  const files = () => readdirSync(clone, { recursive: true, encoding: 'utf8' }).sort();

  it('says that nothing is there yet, and changes nothing', async () => {
    const before = files();
    expect(await examine(clone)).toMatchObject({
      node: { state: 'ok', detail: process.version },
      packages: { state: 'note', remedy: 'npm run build' },
      'generated code': { state: 'note', remedy: 'npm run build' },
      'built code': { state: 'note', remedy: 'npm run build' },
      'data folder': { state: 'note', detail: `${join(clone, '.rondo')} isn't there yet: npm start makes it` },
      database: { state: 'note' },
      rondo: { state: 'fail', detail: 'not built yet', remedy: 'npm run build' },
    });
    expect(files()).toEqual(before);
  });

  it('finds what is older than the sources', async () => {
    put('node_modules/.rondo-installed', 'of another lock file');
    put('packages/contracts/descriptors.binpb', '');
    put('packages/contracts/src/.inputs', 'of other contracts');
    put(
      'node_modules/.bin/tsc',
      `#!/bin/sh\necho "A non-dry build would build project '${clone}/packages/cli/tsconfig.json'"`,
    );
    chmodSync(join(clone, 'node_modules/.bin/tsc'), 0o755);
    expect(await examine(clone)).toMatchObject({
      packages: { state: 'warn', remedy: 'npm run build' },
      'generated code': { state: 'warn', remedy: 'npm run generate' },
      'built code': { state: 'warn', detail: expect.stringContaining('packages/cli (rondo itself among them)') },
    });
  });

  it('is there where rondo itself can not be loaded, and rondo points to it', async () => {
    put('packages/cli/dist/main.js', "import './half-of-it.js';\n");
    const { rondo } = await examine(clone);
    expect(rondo).toMatchObject({ state: 'fail', detail: expect.stringContaining('half-of-it.js') });
    const { code, stderr } = await node([join(clone, 'scripts/rondo.mjs'), 'ps']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^rondo: can't be loaded \(.*half-of-it.*npx rondo doctor\n$/);
  });

  it('finds a Node that is too old', async () => {
    put('package.json', JSON.stringify({ engines: { node: '>=99.1' }, packageManager: 'pnpm@1.0.0' }));
    const { node: found } = await examine(clone);
    expect(found).toMatchObject({ state: 'fail', detail: `v${process.versions.node}, and Rondo needs 99.1 or newer` });
  });
});

describe('of what a start would find', () => {
  const server: Server = createServer();
  let left: ChildProcess | undefined;

  afterAll(() => {
    server.close();
    left?.kill('SIGKILL');
  });

  it('finds ports that others hold, processes that nobody stops, and a database that is away', async () => {
    await new Promise<void>((resolve) => server.listen(base + 1, '127.0.0.1', resolve));
    left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', 'services/left'], { stdio: 'ignore' });
    const { pid: gone } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(join(folder, 'launcher.json'), JSON.stringify({ pid: gone, registry: `127.0.0.1:${base}` }));
    writeFileSync(join(folder, 'processes.json'), JSON.stringify({ 'left-1': left.pid }));
    const found = await examine(root, ['--data', folder], {
      RONDO_DATABASE_ADMIN_URL: 'postgres://postgres:secret@127.0.0.1:1/postgres',
    });
    expect(found).toMatchObject({
      ports: {
        state: 'fail',
        detail: expect.stringContaining(`${base + 1} (calculator-1) by process ${process.pid}`),
        remedy: expect.stringMatching(`^kill ${process.pid}, if it may go, or start beside it: npm start`),
      },
      'data folder': { state: 'warn', detail: expect.stringContaining('left-1'), remedy: `kill ${left.pid}` },
      database: { state: 'fail', detail: expect.stringContaining('ECONNREFUSED') },
      registry: { state: 'fail', detail: expect.stringContaining(`127.0.0.1:${base} can't be reached`) },
    });
    expect(JSON.stringify(found)).not.toContain('secret');
  }, 30_000);
});
