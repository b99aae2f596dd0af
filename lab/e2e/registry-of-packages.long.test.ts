import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, freeBase, root, start } from '@rondo/harness';
import { compile } from './src/packages/project.js';
import { startPackageRegistry } from './src/packages/verdaccio.js';

const folder = mkdtempSync(join(process.env['TMPDIR_ON_DISK'] ?? tmpdir(), 'rondo-registry-'));
let registry: Awaited<ReturnType<typeof startPackageRegistry>>;

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const NEXT = '99.0.0';

beforeAll(async () => {
  registry = await startPackageRegistry(join(folder, 'registry'));
});
afterAll(async () => {
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program to its end with the registry. */
const run = (cwd: string, program: string, ...args: readonly string[]): Promise<Ended> =>
  start(program, args, { cwd, env: { ...registry.env, RUNNER_TEMP: folder } }).ended;

/** Runs a program with the registry, which must succeed, and returns its output. */
async function done(cwd: string, program: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(cwd, program, ...args);
  expect([program, args, code, code === 0 ? '' : stdout + stderr]).toEqual([program, args, 0, '']);
  return stdout + stderr;
}

/** The script of a step of the workflow that publishes. */
function stepOf(name: string): string {
  const workflow = readFileSync(join(root, '.github/workflows/release.yml'), 'utf8');
  const [, line, block] =
    new RegExp(`- name: ${name}\\n +run: (?:(?!\\|)(.*)|\\|\\n((?: {10}.*\\n)+))`).exec(workflow) ?? [];
  const script = line ?? block;
  if (script === undefined) throw new Error(`the workflow has no step "${name}"`);
  return script;
}

/** Publishes the packages as the workflow does. */
async function publish(more = ''): Promise<readonly string[]> {
  const place = 'GITHUB_SERVER_URL=https://example.com GITHUB_REPOSITORY=acme/rondo';
  const output = await done(root, 'sh', '-c', `export ${place}; ${stepOf('Pack, check and publish')}${more}`);
  return output.match(/^\S+@\d\S+ (?:is|was) published.*$/gm) ?? [];
}

it('takes all packages, and each version of them once', async () => {
  const published = await publish();
  expect(published.length).toBeGreaterThan(17);
  expect(published.at(-1)).toBe(`create-rondo@${version} is published`);
  expect((await publish()).every((line) => line.endsWith('was published before'))).toBe(true);
});

describe('a project with npm', () => {
  const project = join(folder, 'project');

  it('runs a server and a client', async () => {
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const names = ['@rondo/contracts', '@rondo/rpc', '@rondo/service'];
    const types = readFileSync(join(root, 'package.json'), 'utf8').match(/(?<="@types\/node": ").*(?=")/)?.[0];
    expect(await done(project, 'npm', 'install', ...names, `@types/node@${types}`)).not.toMatch(/\bpeer\b/i);
    copyFileSync(join(root, 'lab/e2e/src/packages/alone.mts'), join(project, 'alone.mts'));
    expect(await compile(project, 'alone.mts', 'NodeNext')).toMatchObject({ code: 0, stdout: '' });
    expect(await done(project, process.execPath, 'out/alone.mjs')).toBe('2 + 3 = 5\n');
  });

  it('gets a second version of the runtime with a warning, and not next to the first', async () => {
    await publish(` --as ${NEXT}`);
    const warning = await done(project, 'npm', 'install', `@rondo/rpc@${NEXT}`);
    expect(warning).toMatch(/ERESOLVE[\s\S]*peer @rondo\/rpc@/);
    expect(existsSync(join(project, 'node_modules/@rondo/service/node_modules/@rondo/rpc'))).toBe(false);
  });
});

/** The versions of Rondo's packages that an app has installed, and where pnpm takes them from. */
function installedIn(app: string) {
  const read = (file: string) => readFileSync(join(app, file), 'utf8');
  return {
    version: JSON.parse(read('node_modules/@rondo/tool/package.json')).version,
    vendor: existsSync(join(app, 'vendor')),
    fromFiles: /file:vendor/.test(read('pnpm-workspace.yaml') + read('pnpm-lock.yaml')),
  };
}

async function upgrade(app: string): Promise<void> {
  expect(await done(app, 'node', 'rondo', 'upgrade')).toContain(`from Rondo ${version} to ${NEXT}:`);
  expect(installedIn(app)).toEqual({ version: NEXT, vendor: false, fromFiles: false });
}

describe('npm create rondo', () => {
  const app = join(folder, 'my-app');

  it('makes an app with the packages of the registry', async () => {
    const args = ['create', '--yes', `rondo@${version}`, 'my-app', '--', '--no-database'];
    expect(await done(folder, 'npm', ...args)).toContain(`\n  cd ${app}\n  npm start\n`);
    expect(installedIn(app)).toEqual({ version, vendor: false, fromFiles: false });
  });

  it('and the app is tested, starts and answers', async () => {
    expect(await done(app, 'npm', 'test')).toContain('3 passed, 3 total');
    const base = await freeBase();
    const launcher = start('node', ['rondo', 'start', '--port-base', String(base)], { cwd: app });
    await launcher.printed(/Rondo is up/);
    const call = ['call', 'GreeterService/Echo', '{"text": "hi"}', '--registry', `127.0.0.1:${base}`];
    expect(await done(app, 'node', 'rondo', ...call)).toContain('"text": "hi"');
    expect(await launcher.stop()).toMatchObject({ code: 0 });
  });

  it('and rondo upgrade moves it to the newest version of the registry', async () => {
    await upgrade(app);
    await done(app, 'npm', 'test');
  });
});

it('an app with packages in vendor/ is upgraded to those of the registry', async () => {
  const app = join(folder, 'vendored');
  await done(root, 'node', 'scripts/rondo.mjs', 'lab', 'create', app, '--no-database');
  expect(installedIn(app)).toEqual({ version, vendor: true, fromFiles: true });
  await upgrade(app);
});

it.each([
  { tag: `v${version}`, heading: version, code: 0 },
  { tag: 'v98.0.0', heading: version, code: 1 },
  { tag: `v${version}`, heading: 'Unreleased', code: 1 },
])('a release by the tag $tag with the changelog of $heading ends with $code', async ({ tag, heading, code }) => {
  const clone = mkdtempSync(join(folder, 'clone-'));
  writeFileSync(join(clone, 'package.json'), JSON.stringify({ version }));
  writeFileSync(join(clone, 'CHANGELOG.md'), `# Changelog\n\n## ${heading}\n\nNews.\n\n## 0.0.9\n\nOld.\n`);
  const script = `set -e; export GITHUB_REF_NAME=${tag}; ${stepOf('The tag is the version, and the changelog has it')}`;
  expect(await run(clone, 'bash', '-c', script)).toMatchObject({ code });
  if (code === 0) expect(readFileSync(join(folder, 'notes.md'), 'utf8')).toBe('\nNews.\n\n');
});
