/** The tool of 0.2 upgrades an app that 0.2 made, to the packages of this version. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, freeBase, root, runNode, start } from '@rondo/harness';
import { askJson } from '../../../e2e/src/front-door.js';
import { buildVersion, commitOf, type Version } from '../src/upgrade/version.js';

/** The release, and the last commit whose apps need no `RONDO_AUTH`, with manifests or samples. All are 0.2.0 by their package.json. */
const COMMITS = [
  ['app-of-the-release', '696b81ee', '--yes'],
  ['app-with-manifests', '244c8904', '--yes'],
  ['app-with-samples', '244c8904', '--samples'],
] as const;
const NEXT = '99.0.0';

const parent = mkdtempSync(join(process.env['TMPDIR_ON_DISK'] ?? tmpdir(), 'rondo 0.2 '));
const next = join(parent, 'next');
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const noCompose = spawnSync('docker', ['compose', 'version']).status !== 0;
const noKubectl = spawnSync('kubectl', ['kustomize', '--help']).status !== 0;

async function done(run: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await run;
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
  return stdout;
}

beforeAll(async () => {
  await done(runNode([join(root, 'scripts/rondo.mjs'), 'lab', 'pack', '--out', next, '--as', NEXT], { cwd: root }));
});

const found = await Promise.all(
  COMMITS.map(async ([which, commit, option]) => [which, await commitOf(commit), option] as const),
);
for (const [which, commit] of found) {
  if (commit === undefined) process.stdout.write(`this clone has no history: ${which} is left out\n`);
}

// Each step is a test of its own: only a hang takes as long as a test may.
describe.each(found.filter(([, commit]) => commit !== undefined))('%s', (which, commit, option) => {
  const hasManifests = which === 'app-with-manifests';
  const app = join(parent, which);
  const rondo = (...args: readonly string[]) => done(runNode(['rondo', ...args], { cwd: app }));
  const git = (...args: readonly string[]) =>
    done(start('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@test', ...args], { cwd: app }).ended);
  const read = (file: string) => readFileSync(join(app, file), 'utf8');
  let old: Version & { remove(): void };

  afterAll(() => old.remove());

  it('is built', async () => {
    old = await buildVersion(commit ?? '');
  });

  it('makes an app', async () => {
    await done(start('npm', ['run', 'create', '--', app, option], { cwd: old.root }).ended);
    await rondo('new', 'service', 'hello', '--with-database', '--skip-test');
    if (hasManifests) await rondo('kubernetes');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'Start');
  });

  if (option === '--samples') {
    it('stays as it was, as its code uses what has gone, and the lines are named', async () => {
      const { code, stdout, stderr } = await runNode(['rondo', 'upgrade', '--packages', next], { cwd: app });
      expect(code).toBe(1);
      expect(stdout + stderr).toMatch(/services\/sales\/src\/delivery\.ts:8:10 TS2305: .*'createCoordinator'/);
      expect(await git('status', '--porcelain')).toBe('');
    });
    return;
  }

  it('is upgraded by its own tool', async () => {
    expect(await rondo('upgrade', '--packages', next)).toContain(`Upgraded from Rondo 0.2.0 to ${NEXT}:\n`);
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'Upgrade');
  });

  it('passes its checks and tests', async () => {
    await rondo('check');
    await rondo('test');
  });

  it('has what this version needs in its manifests and its compose file', async () => {
    const files = (await git('ls-files')).split('\n');
    const manifests = files.filter((file) => /(?:^|\/)package\.json$/.test(file));
    const named = manifests.flatMap((file) => read(file).match(/(?<="@rondo\/[\w-]+": ")[^"]+/g) ?? []);
    expect(new Set(named)).toEqual(new Set([NEXT]));
    const compose = read('docker-compose.yml');
    expect(compose).toMatch(/^ +RONDO_AUTH: "?off"?$/m);
    expect(compose).toMatch(/^ +RONDO_METRICS: /m);
    expect(read('infra/observe/prometheus.yml')).toMatch(/^ +- greeter$/m);
    for (const name of ['greeter', 'hello'])
      expect(read(`services/${name}/src/main.ts`)).toMatch(/plugins: \[.*telemetry/);
    const overlays = files.filter((file) => /^infra\/kubernetes\/overlays\/.*\/kustomization\.yaml$/.test(file));
    expect(overlays).toHaveLength(hasManifests ? 2 : 0);
    for (const file of overlays) expect(read(file)).toMatch(/^ +- RONDO_AUTH=off$/m);
    if (noCompose) process.stdout.write('NOT TESTED: docker compose is not installed\n');
    else await done(start('docker', ['compose', 'config', '--quiet'], { cwd: app }).ended);
    if (noKubectl) process.stdout.write('NOT TESTED: kubectl is not installed\n');
    else for (const file of overlays) await done(start('kubectl', ['kustomize', dirname(join(app, file))]).ended);
  });

  it('starts, and answers through its gateway', async () => {
    const base = await freeBase();
    const launcher = start(process.execPath, ['rondo', 'start', '--metrics', '--port-base', String(base)], {
      cwd: app,
    });
    await launcher.printed(/Rondo is up/);
    const { status, text } = await askJson(`http://127.0.0.1:${base + 20}/v1/greeter:echo`, { text: 'hello' });
    expect({ status, text }).toEqual({ status: 200, text: expect.any(String) });
    const unwritten = await askJson(`http://127.0.0.1:${base + 20}/v1/hello:echo`, {});
    expect(unwritten).toMatchObject({ status: 501, text: expect.stringContaining('services/hello/src/hello.ts') });
    launcher.signal('SIGTERM');
    expect(await launcher.ended).toMatchObject({ code: 0 });
  });
});
