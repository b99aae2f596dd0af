import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from '@rondo/harness';

it.each(['.', 'services/calculator', 'packages/rpc/src'])('npx rondo is that of the clone in %s', (folder) => {
  const args = ['--no', 'rondo', 'completion', 'fish'];
  const script = execFileSync('npx', args, {
    cwd: join(root, folder),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect(script).toContain(`node '${join(root, 'scripts/rondo.mjs')}' complete`);
});
