/** The tool of 0.2 upgrades an app that 0.2 made, to the packages of this version. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, root, runNode, start } from '@rondo/harness';
import { buildVersion, commitOf, type Version } from '../src/upgrade/version.js';

/** The release, and the last commit whose apps need no `RONDO_AUTH`, with samples. Both are 0.2.0 by their package.json. */
const COMMITS = [
  ['app-of-the-release', '696b81ee', ['--yes']],
  ['app-with-samples', '244c8904', ['--samples']],
] as const;
const NEXT = '99.0.0';

const parent = mkdtempSync(join(process.env['TMPDIR_ON_DISK'] ?? tmpdir(), 'rondo 0.2 '));
const next = join(parent, 'next');
afterAll(() => rmSync(parent, { recursive: true, force: true }));

async function done(run: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await run;
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
  return stdout;
}

beforeAll(async () => {
  await done(runNode([join(root, 'scripts/rondo.mjs'), 'pack', '--out', next, '--as', NEXT], { cwd: root }));
});

const found = await Promise.all(
  COMMITS.map(async ([which, commit, options]) => [which, await commitOf(commit), options] as const),
);
for (const [which, commit] of found) {
  if (commit === undefined) process.stdout.write(`this clone has no history: ${which} is left out\n`);
}

// Each step is a test of its own: only a hang takes as long as a test may.
describe.each(found.filter(([, commit]) => commit !== undefined))('%s', (which, commit, options) => {
  const app = join(parent, which);
  const rondo = (...args: readonly string[]) => done(runNode(['rondo', ...args], { cwd: app }));
  const git = (...args: readonly string[]) =>
    done(start('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@test', ...args], { cwd: app }).ended);
  let old: Version & { remove(): void };

  afterAll(() => old.remove());

  it('is built', async () => {
    old = await buildVersion(commit ?? '');
  });

  it('makes an app', async () => {
    await done(start('npm', ['run', 'create', '--', app, ...options], { cwd: old.root }).ended);
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'Start');
  });

  it('is upgraded by its own tool', async () => {
    expect(await rondo('upgrade', '--packages', next)).toContain(`Upgraded from Rondo 0.2.0 to ${NEXT}:\n`);
    expect(readFileSync(join(app, 'docker-compose.yml'), 'utf8')).toMatch(/^ +RONDO_AUTH: "?off"?$/m);
  });

  it('passes its tests', () => rondo('test'));
});
