import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FieldDescriptorProto_Type, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterAll, expect, it } from '@jest/globals';
import { eventually, type RunningProcess, root, runNode, startRegistry, startService } from '@rondo/harness';

const folder = mkdtempSync(join(tmpdir(), 'rondo-versions-'));
const running: RunningProcess[] = [];

afterAll(async () => {
  await Promise.all(running.map((service) => service.stop()));
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
  const registry = await startRegistry();
  running.push(registry);
  const calculator = async (instanceId: string, env: Readonly<Record<string, string>> = {}) => {
    running.push(await startService('calculator', { instanceId, registry: registry.address, env }));
  };
  const env = { RONDO_REGISTRY: registry.address };
  const ps = async () => (await runNode([join(root, 'scripts/rondo.mjs'), 'ps'], { env })).stdout;
  const shows = (...instances: readonly string[]) =>
    eventually(async () => {
      const shown = await ps();
      if (!instances.every((instance) => shown.includes(instance))) throw new Error(`not there yet: ${shown}`);
      return shown;
    });

  await Promise.all(['calculator-1', 'calculator-2'].map((instanceId) => calculator(instanceId)));
  expect(await shows('calculator-1', 'calculator-2')).not.toContain('versions of the contract');
  await calculator('calculator-3', { RONDO_DESCRIPTORS: changedDescriptors() });
  const shown = await shows('calculator-3');
  expect(shown.split('\n\n')[1]?.split('\n')).toEqual([
    'calculator.v1.CalculatorService: 2 versions of the contract',
    expect.stringMatching(/^ {2}[0-9a-f]{16} {2}calculator-1, calculator-2$/),
    expect.stringMatching(/^ {2}[0-9a-f]{16} {2}calculator-3$/),
    '    incompatible: AddRequest.b is string instead of int64 (field 2)',
    '',
  ]);
});
