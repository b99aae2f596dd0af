import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FieldDescriptorProto_Type, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterAll, expect, it } from '@jest/globals';
import { eventually, freeBase, type RunningProcess, root, runNode, start } from '@rondo/harness';

const folder = mkdtempSync(join(tmpdir(), 'rondo-versions-'));
const running: RunningProcess[] = [];

afterAll(async () => {
  for (const { process: child } of running) child.kill('SIGTERM');
  await Promise.all(running.map(({ ended }) => ended));
  rmSync(folder, { recursive: true });
});

/** The contracts, but with a string in `AddRequest.b`. */
function changedDescriptors(): string {
  const bytes = readFileSync(join(root, 'packages/contracts/descriptors.binpb'));
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const file = set.file.find(({ name }) => name === 'calculator/v1/calculator.proto');
  const field = file?.messageType.find(({ name }) => name === 'AddRequest')?.field.find(({ name }) => name === 'b');
  if (field === undefined) throw new Error('AddRequest.b is not in the contract');
  field.type = FieldDescriptorProto_Type.STRING;
  const path = join(folder, 'changed.binpb');
  writeFileSync(path, toBinary(FileDescriptorSetSchema, set));
  return path;
}

it('rondo ps shows replicas that speak incompatible versions of a contract', async () => {
  const registry = `127.0.0.1:${await freeBase()}`;
  const begin = (service: string, env: Readonly<Record<string, string>>) => {
    const main = join(root, 'services', service, 'dist/main.js');
    running.push(start(process.execPath, [main], { env: { RONDO_REGISTRY: registry, ...env } }));
  };
  const calculator = (instanceId: string, env: Readonly<Record<string, string>> = {}) =>
    begin('calculator', { RONDO_INSTANCE_ID: instanceId, RONDO_LISTEN: '127.0.0.1:0', ...env });
  const ps = async () =>
    (await runNode([join(root, 'scripts/rondo.mjs'), 'ps'], { env: { RONDO_REGISTRY: registry } })).stdout;
  const shows = (...instances: readonly string[]) =>
    eventually(async () => {
      const shown = await ps();
      if (!instances.every((instance) => shown.includes(instance))) throw new Error(`not there yet: ${shown}`);
      return shown;
    });

  begin('registry', { RONDO_LISTEN: registry });
  calculator('calculator-1');
  calculator('calculator-2');
  expect(await shows('calculator-1', 'calculator-2')).not.toContain('versions of the contract');
  calculator('calculator-3', { RONDO_DESCRIPTORS: changedDescriptors() });
  const shown = await shows('calculator-3');
  expect(shown.split('\n\n')[1]?.split('\n')).toEqual([
    'calculator.v1.CalculatorService: 2 versions of the contract',
    expect.stringMatching(/^ {2}[0-9a-f]{16} {2}calculator-1, calculator-2$/),
    expect.stringMatching(/^ {2}[0-9a-f]{16} {2}calculator-3$/),
    '    incompatible: AddRequest.b is string instead of int64 (field 2)',
    '',
  ]);
});
