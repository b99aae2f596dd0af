import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';

it.each(['.', 'packages/rpc/src'])('npx rondo in %s is the rondo of the clone', (folder) => {
  const args = ['--no', 'rondo', 'completion', 'fish'];
  const script = execFileSync('npx', args, {
    cwd: join(root, folder),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect(script).toContain(`node '${join(root, 'scripts/rondo.mjs')}' complete`);
});

it('npm install, which is not needed, says what is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-install-'));
  try {
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    const { status, stderr } = spawnSync('npm', ['install', '--offline'], { cwd: folder, encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('run-npm-start-instead-of-npm-install');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('npm test in a hook of git changes nothing in the repository of the hook', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo hook '));
  try {
    execFileSync('git', ['init', '--quiet', folder]);
    // What git gives to a hook of a linked worktree.
    const env = { GIT_DIR: join(folder, '.git'), GIT_INDEX_FILE: join(folder, '.git/index') };
    const { code, stderr } = await runNode([`${root}/scripts/rondo.mjs`, 'test', 'packages/rondo/src/scaffold/tree'], {
      env,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('PASS') });
    const commits = execFileSync('git', ['-C', folder, 'rev-list', '--all', '--count'], { encoding: 'utf8' });
    const bare = execFileSync('git', ['-C', folder, 'config', 'core.bare'], { encoding: 'utf8' });
    expect([commits.trim(), bare.trim()]).toEqual(['0', 'false']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
