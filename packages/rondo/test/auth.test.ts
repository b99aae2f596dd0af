import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
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

it("prints an app's own contracts, also without a rule, and those of Rondo's that are named", async () => {
  const repository = mkdtempSync(path.join(tmpdir(), 'rondo-auth-'));
  const descriptors = 'packages/contracts/descriptors.binpb';
  for (const file of [descriptors, 'proto/rondo/conformance/v1/adder.proto'])
    mkdirSync(path.join(repository, path.dirname(file)), { recursive: true });
  cpSync(path.join(root, descriptors), path.join(repository, descriptors));
  writeFileSync(path.join(repository, 'proto/rondo/conformance/v1/adder.proto'), '');
  const print = async (...names: readonly string[]) =>
    (await rondo(['auth', 'matrix', ...names], { repository })).stdout.replaceAll(/ {2,}/g, '  ');
  const own = 'rondo.conformance.v1\n  Method  Person or program  Process\n  AdderService/Add  no caller  none\n';
  expect(await print()).toBe(own);
  expect(await print('rondo.conformance.v1')).toContain(own);
  expect(await print('rondo.conformance.auth.v1')).toContain('SecuredService/Open  every caller  any');
  rmSync(repository, { recursive: true });
});
