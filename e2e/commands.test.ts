import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';

it.each(['.', 'services/registry', 'packages/rpc/src'])('npx rondo in %s is the rondo of the clone', (folder) => {
  const args = ['--no', 'rondo', 'completion', 'fish'];
  const script = execFileSync('npx', args, {
    cwd: join(root, folder),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect(script).toContain(`node '${join(root, 'scripts/rondo.mjs')}' complete`);
});

const tasks = [
  ['chaos', '--short'], // sample: calculator, project-management, sales
  ['sim', '--seeds'],
  ['bench registry', '--quick'],
] as const;

describe.each(tasks)('npm run %s', (task, option) => {
  const run = (...args: readonly string[]) => runNode([`${root}/scripts/run.mjs`, ...task.split(' '), ...args]);

  it('prints its options', async () => {
    const { code, stdout } = await run('--help');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(option) });
  });

  it('refuses an unknown option, before anything runs', async () => {
    const { code, stderr } = await run('--seconde', '9');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^npm run \S+: Unknown option '--seconde'\W/);
    expect(stderr).toContain(option);
  });

  it('refuses to run if npm took one of its options', async () => {
    const args = [`${root}/scripts/run.mjs`, ...task.split(' ')];
    const { code, stderr } = await runNode(args, { env: { [`npm_config_${option.slice(2)}`]: 'true' } });
    expect(code).toBe(2);
    expect(stderr).toContain(`npm took ${option} for an option of its own; ours come after a "--"`);
  });
});
