import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { rondo } from './recording-context.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
it('prints the rules of a package, or says that it has none', async () => {
  const { exitCode, stdout } = await rondo(['auth', 'matrix', 'rondo.conformance.auth.v1'], { repository: root });
  expect(exitCode).toBe(0);
  expect(stdout).toBe(
    [
      'rondo.conformance.auth.v1',
      '  Method                 Person or program            Process',
      '  SecuredService/Open    every caller                 any',
      '  SecuredService/Read    secured.read                 any',
      '  SecuredService/Pass    not needed                   front',
      '  SecuredService/Write   secured.read, secured.write  front',
      '  SecuredService/Follow  secured.read                 any',
      '',
    ].join('\n'),
  );
  expect(await rondo(['auth', 'matrix', 'rondo.registry.v2'], { repository: root })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(
      'no package rondo.registry.v2 has rules; rondo auth matrix lists those that have. Did you mean',
    ),
  });
  expect(await rondo(['auth'])).toMatchObject({ exitCode: 2 });
});
