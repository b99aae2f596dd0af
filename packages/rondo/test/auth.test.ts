import { cpSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { rondo } from './recording-context.js';
import { Folder, root } from './scaffold/folder.js';

it('prints the rules of a package, or says that it has none', async () => {
  const { exitCode, stdout } = await rondo(['auth', 'matrix', 'rondo.conformance.auth.v1'], { repository: root });
  expect(exitCode).toBe(0);
  expect(stdout).toBe(
    [
      'rondo.conformance.auth.v1',
      '  Method                 Person or program: all of    and process: one of',
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

it("prints an app's own contracts, also without a rule, and those of Rondo's that are named", async () => {
  const descriptors = 'packages/contracts/descriptors.binpb';
  using folder = new Folder({ [descriptors]: '', 'proto/rondo/conformance/v1/adder.proto': '' });
  cpSync(path.join(root, descriptors), path.join(folder.path, descriptors));
  const print = async (...names: readonly string[]) =>
    (await rondo(['auth', 'matrix', ...names], { repository: folder.path })).stdout.replaceAll(/ {2,}/g, '  ');
  const own =
    'rondo.conformance.v1\n  Method  Person or program: all of  and process: one of\n  AdderService/Add  no caller  none\n';
  expect(await print()).toBe(own);
  expect(await print('rondo.conformance.v1')).toContain(own);
  expect(await print('rondo.conformance.auth.v1')).toContain('SecuredService/Open  every caller  any');
});
