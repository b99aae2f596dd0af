/**
 * The apps of docs/guides/in-an-existing-app.md, as each package manager installs them: from the packages and the contracts of an app
 * that was created, whose greeter they call.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freeBase, freePort, type RunningProcess, root, runNode, start } from '@rondo/harness';
import { type App, buildNest, FASTIFY, guide, NEST, NEST_11, NEXT, runIn, startApp } from './src/existing-apps/apps.js';
import { installInEmptyProject, type Manager, type Tarballs, tarballsIn } from './src/packages/project.js';

const folder = mkdtempSync(join(tmpdir(), 'rondo-existing-'));
const created = join(folder, 'my-app');
let base: number;
let system: RunningProcess;
let tarballs: Tarballs;

beforeAll(async () => {
  const { code, stderr } = await runNode([join(root, 'scripts/rondo.mjs'), 'lab', 'create', created, '--no-database']);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  guide.write(created, 'proto/welcome/v1/welcome.proto');
  await runIn(created, 'npm', 'run', 'build');
  await runIn(folder, 'npm', 'pack', join(created, 'packages/contracts'));
  const contracts = join(folder, 'my-app-contracts-0.0.0.tgz');
  tarballs = { ...tarballsIn(join(created, 'vendor')), '@my-app/contracts': contracts };
  base = await freeBase();
  system = start(process.execPath, ['rondo', 'start', '--port-base', String(base)], { cwd: created });
  await system.printed(/Rondo is up/);
});
afterAll(async () => {
  await system?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What an app installs besides the client of the guide. */
interface Installed {
  readonly others: Readonly<Record<string, string>>;
  readonly type?: 'module' | 'commonjs';
  readonly registers?: boolean;
}

/** Installs an app next to the one that was created: by the guide's commands with npm. */
async function install(manager: Manager, name: string, { others, type, registers = false }: Installed) {
  const project = join(folder, `${name}-${manager}`);
  const names = ['@my-app/contracts', '@rondo/contracts', '@rondo/rpc', ...(registers ? ['@rondo/service'] : [])];
  if (manager !== 'npm') {
    await installInEmptyProject(project, { manager, tarballs, names, others, ...(type && { type }) });
    return project;
  }
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type, dependencies: others }));
  for (const command of guide.commands.slice(0, registers ? 3 : 2)) await runIn(project, 'bash', '-c', command);
  return project;
}

const HELLO = { status: 200, text: '{"text":"hi"}' };

/** Starts an app, and removes it after `use`. */
async function whileRunning(
  { project, args, env = {} }: { project: string; args: readonly string[]; env?: Readonly<Record<string, string>> },
  use: (get: App['get']) => Promise<void> = () => Promise.resolve(),
) {
  const { app, get } = await startApp(project, args, { RONDO_REGISTRY: `127.0.0.1:${base}`, ...env });
  try {
    // The contract gives a call two seconds, and the machine may be busy.
    await eventually(async () => expect(await get('/hello?text=hi')).toEqual(HELLO));
    await eventually(() => use(get));
  } finally {
    await app.stop();
    rmSync(project, { recursive: true });
  }
}

describe.each(['npm', 'pnpm', 'yarn'] as const)('installed by %s, an app calls a service', (manager) => {
  it('Fastify', async () => {
    const project = await install(manager, 'fastify', { others: FASTIFY });
    guide.write(project, 'src/server.mjs');
    await whileRunning({ project, args: ['src/server.mjs'] });
  });

  it.each([
    ['CommonJS', NEST, 'commonjs'],
    ['ES modules', NEST, 'module'],
    ['CommonJS on NestJS 11', NEST_11, 'commonjs'],
  ] as const)('NestJS, %s', async (name, others, type) => {
    const project = await install(manager, name.replaceAll(' ', '-'), { others, type, registers: true });
    await buildNest(project);
    const env = { GRPC_ADDRESS: `127.0.0.1:${await freePort()}`, GREETER: `127.0.0.1:${base + 10}` };
    await whileRunning({ project, args: ['dist/main.js'], env }, async (get) => {
      expect(await get('/plain?text=hi')).toEqual(HELLO);
    });
  });

  it('Next.js', async () => {
    const project = await install(manager, 'next', { others: NEXT });
    guide.write(project, 'next.config.ts', 'lib/greeter.ts', 'app/hello/route.ts', 'app/page.tsx');
    const layout = 'export default ({ children }: LayoutProps<"/">) => <html lang="en"><body>{children}</body></html>;';
    writeFileSync(join(project, 'app/layout.tsx'), layout);
    const next = 'node_modules/next/dist/bin/next';
    await runIn(project, process.execPath, next, 'build');
    await whileRunning({ project, args: [next, 'start'] }, async (get) => {
      expect((await get('/')).text).toContain('<p>Hello from a server component</p>');
    });
  });
});
