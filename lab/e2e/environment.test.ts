import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';
import { toolModule, writeTool } from './src/tool-module.js';

/** What a shell, a hook or another run may have, each with whether `rondo` and whether services see it. */
const VARIABLES: readonly (readonly [name: string, rondo: boolean, services: boolean])[] = [
  ...['GIT_DIR', 'GIT_INDEX_FILE', 'GIT_WORK_TREE'].map((name) => [name, false, false] as const),
  ...['PGSSLMODE', 'PGOPTIONS', 'PGHOST', 'PGPASSWORD', 'PGPASSFILE', 'PGSERVICE'].map(
    (name) => [name, false, false] as const,
  ),
  ['NODE_PG_FORCE_NATIVE', false, false],
  ['NODE_OPTIONS', false, false],
  ...['RONDO_ADVERTISE', 'RONDO_AUTH', 'RONDO_METRICS'].map((name) => [name, true, false] as const),
  ...['', '_FILE'].flatMap((end) =>
    ['RONDO_DATABASE_ADMIN_URL', 'DATABASE_URL', 'RONDO_TOKEN'].map((name) => [name + end, true, false] as const),
  ),
  ...['', '_DIR'].map((end) => [`RONDO_TLS${end}`, true, false] as const),
  ...['RONDO_LOG_LEVEL', 'RONDO_ZONE', 'OTEL_SERVICE_NAME', 'http_proxy', 'GIT_AUTHOR_NAME'].map(
    (name) => [name, true, true] as const,
  ),
];

interface Seen {
  readonly rondo: readonly string[];
  readonly services: readonly string[];
}

let clone: string;
let environment: string;
/** What both see if the shell has all of them. */
let found: Seen;

/** A clone whose `rondo` prints the names of its variables, and of those that a service would get. */
beforeAll(async () => {
  clone = mkdtempSync(join(tmpdir(), 'rondo-environment-'));
  const options = JSON.stringify(await toolModule('launch/options.ts', clone));
  writeTool(clone, {
    cli: `import { environmentOf, loadRootEnv } from ${options};
    const rondo = Object.keys(process.env);
    loadRootEnv();
    console.log(JSON.stringify({ rondo, services: Object.keys(environmentOf('greeter')) }));`,
  });
  environment = await toolModule('workspace/environment.ts', clone);
  // What a command imports is built.
  for (const folder of ['services/greeter', 'packages/schema/dist'])
    mkdirSync(join(clone, folder), { recursive: true });
  found = await seen(Object.fromEntries(VARIABLES.map(([name]) => [name, valueFor(name)])));
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

async function seen(env: Readonly<Record<string, string>>): Promise<Seen> {
  const { code, stdout, stderr } = await runNode([join(clone, 'scripts/rondo.mjs')], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

const valueFor = (name: string) => (name === 'NODE_OPTIONS' ? '--no-warnings' : 'x');

it.each(VARIABLES)('%s of the shell: rondo sees it: %p, services: %p', (name, rondo, services) => {
  expect({ rondo: found.rondo.includes(name), services: found.services.includes(name) }).toEqual({ rondo, services });
});

it.each([
  ['/', 'caches in the clone'],
  [undefined, 'what the account has'],
] as const)('with the home %s, npm, pnpm and buf keep %s', async (home, _kept) => {
  const probe = `const { cleanEnvironment } = await import(${JSON.stringify(environment)}); cleanEnvironment(); console.log(process.env.npm_config_cache, process.env.XDG_CACHE_HOME);`;
  const env = {
    npm_config_cache: home === undefined ? undefined : '/.npm',
    XDG_CACHE_HOME: '/kept',
    HOME: home ?? clone,
  };
  const denied =
    "import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'; const { accessSync } = fs; fs.accessSync = (file, ...mode) => { if (file === '/') throw new Error('EACCES'); return accessSync(file, ...mode); }; syncBuiltinESMExports();";
  const preload = `data:text/javascript,${encodeURIComponent(denied)}`;
  const { stdout } = await runNode(['--import', preload, '--input-type=module', '--eval', probe], { cwd: clone, env });
  const cache = home === undefined ? 'undefined' : join(clone, '.rondo/caches/npm_config_cache');
  expect(stdout).toBe(`${cache} /kept\n`);
});

it('what a service needs of them stands in its .env', async () => {
  const asked = ['PGSSLMODE', 'NODE_OPTIONS', 'RONDO_TLS'];
  writeFileSync(join(clone, 'services/greeter/.env'), asked.map((name) => `${name}=${valueFor(name)}\n`).join(''));
  expect((await seen({})).services).toEqual(expect.arrayContaining(asked));
  rmSync(join(clone, 'services/greeter/.env'));
});

it('the reference names each that services see less of than the shell has', () => {
  const page = readFileSync(join(root, 'docs/reference/configuration.md'), 'utf8');
  const dropped = VARIABLES.filter(([, , services]) => !services).map(([name]) => name.replace(/_FILE$/, ''));
  const named = (name: string) => page.includes(`\`${name}\``) || /^PG|^GIT_/.test(name);
  expect(dropped.filter((name) => !named(name))).toEqual([]);
});

it('an installed rondo says which Node it needs', async () => {
  const manifest = join(clone, 'packages/rondo/package.json');
  const before = readFileSync(manifest, 'utf8');
  writeFileSync(manifest, before.replace('>=20.19', '>=99.0'));
  const ended = await runNode([join(clone, 'packages/rondo/dist/main.mjs'), 'ps']);
  writeFileSync(manifest, before);
  const stderr = `Rondo needs Node 99.0 or newer; this is ${process.version}.\n`;
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr });
});
