import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { freeBase, root, runNode } from '@rondo/harness';
import { workspaceFolders } from '../../../e2e/src/planned-instances.js';
import { type Clone, cloneRepository } from '../src/repository.js';
import { writeTool } from '../src/tool-module.js';

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

/** Removes settings of the person who runs the tests. */
const UNSET = { RONDO_REGISTRY: '', RONDO_DATABASE_ADMIN_URL: '', NODE_PATH: '' };

/** Runs the doctor of a clone, and returns its findings by name. */
async function examine(clone: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const { code, stdout } = await runNode([join(clone, 'scripts/rondo.mjs'), 'doctor', '--json', ...args], {
    env: { ...UNSET, ...env },
  });
  const { healthy, findings }: { healthy: boolean; findings: readonly Finding[] } = JSON.parse(stdout);
  expect(code).toBe(healthy ? 0 : 1);
  return Object.fromEntries(findings.map((finding) => [finding.name, finding]));
}

/** Holds a port, as another program would. */
async function listenAt(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

/** The state that the doctor reports for this Node: before 22.11 Node itself limits how many calls a client may cancel. */
const nodeState = process.versions.node.localeCompare('22.11', 'en', { numeric: true }) >= 0 ? 'ok' : 'note';

describe('in a clone that is incomplete', () => {
  let clone: string;

  /** The tool, and the files of git that the doctor reads: nothing is generated or built. */
  beforeEach(() => {
    clone = join(folder, 'a clone');
    writeTool(clone);
    const manifests = ['.', 'e2e', ...workspaceFolders()].map((folder) => `${folder}/package.json`);
    for (const file of [
      'proto',
      'buf.yaml',
      'buf.gen.yaml',
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
      'packages/schema/src/http', // generation checks bindings with it
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

  it('says that nothing is built yet, and changes nothing', async () => {
    rmSync(join(clone, 'packages/schema/dist'), { recursive: true });
    const before = files();
    expect(await examine(clone)).toMatchObject({
      node: { state: nodeState, detail: expect.stringContaining(process.version) },
      packages: { state: 'warn', remedy: 'npm run build' },
      'generated code': { state: 'note', remedy: 'npm run build' },
      'built code': { state: 'note', remedy: 'npm run build' },
      'data folder': { state: 'note', detail: `${join(clone, '.rondo')} isn't there yet: npm start makes it` },
      database: { state: 'note' },
      rondo: { state: 'fail', detail: 'not built yet' },
    });
    expect(files()).toEqual(before);
  });

  it('is repaired by a build, whatever fails besides', async () => {
    // On ports of its own, as a system may run on the default ports.
    writeFileSync(join(folder, 'launcher.json'), JSON.stringify({ registry: `127.0.0.1:${base}` }));
    const examined = () => examine(clone, ['--data', folder]);
    expect((await examined())['rondo']).toMatchObject({ remedy: 'npm run build' });
    const server = await listenAt(base + 1);
    try {
      expect(await examined()).toMatchObject({
        ports: { state: 'fail', detail: expect.stringContaining(`${base + 1} (calculator-1)`) },
        rondo: { remedy: 'do what stands above; then npm run build' },
      });
    } finally {
      server.close();
    }
  });

  it('finds what is older than the sources', async () => {
    put('node_modules/.rondo-installed', 'of another lock file');
    put('packages/contracts/descriptors.binpb', '');
    put('packages/contracts/src/.inputs', 'of other contracts');
    put(
      'node_modules/.bin/tsc',
      `#!/bin/sh\necho "A non-dry build would build project '${clone}/packages/rpc/tsconfig.json'"`,
    );
    chmodSync(join(clone, 'node_modules/.bin/tsc'), 0o755);
    expect(await examine(clone)).toMatchObject({
      packages: { state: 'warn', remedy: 'npm run build' },
      'generated code': { state: 'warn', remedy: './rondo generate' },
      'built code': { state: 'warn', detail: expect.stringContaining('packages/rpc'), remedy: './rondo build' },
    });
  });

  it('runs if rondo itself cannot be loaded, and rondo points to it', async () => {
    put('packages/rondo/dist/cli.mjs', "import './half-of-it.js';\n");
    const { rondo } = await examine(clone);
    expect(rondo).toMatchObject({ state: 'fail', detail: expect.stringContaining('half-of-it.js') });
    const { code, stderr } = await runNode([join(clone, 'scripts/rondo.mjs'), 'ps']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^rondo: can't be loaded \(.*half-of-it.*\.\/rondo doctor\n$/);
  });

  it('finds an invalid manifest, and goes on', async () => {
    put('services/calculator/package.json', '{}');
    expect(await examine(clone)).toMatchObject({
      ports: { state: 'fail', detail: 'services/calculator/package.json: rondo.port must be a port, such as 50060' },
      database: { state: 'note' },
    });
  });
});

describe('in a clone that was complete', () => {
  let clone: Clone;

  beforeAll(async () => {
    clone = await cloneRepository();
  });

  afterAll(() => clone.remove());

  it('finds what is missing, and names the remedy', async () => {
    // With ports that no other system on this machine uses.
    writeFileSync(join(folder, 'launcher.json'), JSON.stringify({ registry: `127.0.0.1:${base}` }));
    const examined = () => examine(clone.root, ['--data', folder]);
    for (const gone of [
      'node_modules/typescript',
      'packages/contracts/src/sales',
      'packages/service/dist/exports/index.js',
    ]) {
      rmSync(join(clone.root, gone), { recursive: true });
    }
    const { packages, 'generated code': generated, 'built code': built } = await examined();
    expect({ packages, generated, built }).toMatchObject({
      packages: {
        state: 'fail',
        detail: 'not all are in node_modules: typescript of package.json',
        remedy: 'rm -rf node_modules && npm run build',
      },
      generated: { state: 'warn', remedy: './rondo generate' },
      built: {
        state: 'fail',
        detail: 'files are missing from packages/service/dist',
        remedy: 'rm -rf packages/service/dist && npm run build',
      },
    });
    for (const { remedy = '' } of [packages, built].flatMap((finding) => finding ?? [])) {
      expect(await clone.run('sh', '-c', remedy)).toMatchObject({ code: 0 });
    }
    expect(Object.values(await examined()).filter(({ state }) => state === 'fail')).toEqual([]);
  });

  it('is built by rondo if it is not, and standard output has only what the command prints', async () => {
    rmSync(join(clone.root, 'packages/rondo/dist'), { recursive: true });
    const { code, stdout } = await clone.rondo('--version');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^[\d.]+\n$/) });
    expect(existsSync(join(clone.root, 'packages/rondo/dist/main.mjs'))).toBe(true);
  });
});

describe('before a start', () => {
  let server: Server | undefined;
  let left: ChildProcess | undefined;

  afterAll(() => {
    server?.close();
    left?.kill('SIGKILL');
  });

  it('finds ports in use, processes that a launcher left behind, and a database that is away', async () => {
    server = await listenAt(base + 1);
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
        detail: `in use: ${base + 1} (calculator-1)`,
        remedy: expect.stringMatching(/^stop what listens there, .* or start next to it: npm start/),
      },
      'data folder': { state: 'warn', detail: expect.stringContaining('left-1'), remedy: `kill -9 ${left.pid}` },
      database: { state: 'fail', detail: expect.stringContaining('ECONNREFUSED') },
      registry: { state: 'fail', detail: expect.stringContaining(`127.0.0.1:${base} can't be reached`) },
    });
    expect(JSON.stringify(found)).not.toContain('secret');
  });

  it('finds a data folder that is a file', async () => {
    const file = join(folder, 'data');
    writeFileSync(file, 'junk');
    expect(await examine(root, ['--data', join(file, 'below')])).toMatchObject({
      'data folder': { state: 'fail', detail: `${file} is no folder`, remedy: expect.stringContaining('--data DIR') },
    });
  });
});

describe('of a running system', () => {
  const running: ChildProcess[] = [];

  afterEach(() => {
    for (const one of running.splice(0)) one.kill('SIGKILL');
  });

  /** Stand-ins for a running system: a launcher's process and a service's. */
  const start = (script: string) => {
    const started = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', script], { stdio: 'ignore' });
    running.push(started);
    return started;
  };

  it('finds processes that ended or were suspended, and that its database has ended', async () => {
    const launcher = start('packages/rondo/dist/main.mjs');
    const calculator = start('services/calculator');
    const { pid: gone } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(join(folder, 'launcher.json'), JSON.stringify({ pid: launcher.pid, registry: `127.0.0.1:${base}` }));
    writeFileSync(join(folder, 'processes.json'), JSON.stringify({ 'calculator-1': calculator.pid }));
    mkdirSync(join(folder, 'postgres/data'), { recursive: true });
    writeFileSync(join(folder, 'postgres/data/postmaster.pid'), `${gone}\n`);
    expect(await examine(root, ['--data', folder])).toMatchObject({
      processes: {
        state: 'warn',
        detail: expect.stringMatching(/^registry, calculator-2, .*: ended, or never started$/),
        remedy: expect.stringContaining(`./rondo logs registry --data ${folder}`),
      },
      database: { state: 'fail', detail: expect.stringContaining('has ended') },
      registry: { state: 'fail', remedy: expect.stringContaining(`./rondo logs registry --data ${folder}`) },
    });
    calculator.kill('SIGSTOP');
    expect(await examine(root, ['--data', folder])).toMatchObject({
      processes: {
        state: 'fail',
        detail: `suspended, and silent: calculator-1 (${calculator.pid})`,
        remedy: `kill -CONT ${calculator.pid}; after a Ctrl-Z: fg`,
      },
    });
  });
});
