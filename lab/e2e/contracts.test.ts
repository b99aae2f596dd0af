import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, isFieldSet } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, MethodOptionsSchema } from '@bufbuild/protobuf/wkt';
import { expect, it } from '@jest/globals';
import { root } from '@rondo/harness';

/** The folders of Rondo's own contracts. A team's contracts may say what they like. */
const OWN = ['rondo', 'calculator', 'projects', 'sales'];

it('every method of Rondo states its idempotency level', () => {
  const bytes = readFileSync(join(root, 'packages/contracts/descriptors.binpb'));
  const files = fromBinary(FileDescriptorSetSchema, bytes).file;
  const methods = files
    .filter(({ name }) => OWN.includes(name.split('/')[0] ?? ''))
    .flatMap((file) => file.service.flatMap(({ name, method }) => method.map((one) => ({ service: name, ...one }))));
  expect(methods.length).toBeGreaterThan(10);
  const silent = methods.filter(
    ({ options }) => options === undefined || !isFieldSet(options, MethodOptionsSchema.field.idempotencyLevel),
  );
  expect(silent.map(({ service, name }) => `${service}/${name}`)).toEqual([]);
});
