import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DescMessage } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { descriptorContracts, methodOf, protoContracts, type Schema } from '../../src/exports/index.js';
import { compileSample, GOOGLE, PROTO } from './compile.js';

const includeDirs = [PROTO, GOOGLE];
const own = descriptorContracts(
  readFileSync(fileURLToPath(new URL('../../../contracts/descriptors.binpb', import.meta.url))),
);

/** All that a call depends on in a contract. */
function shapeOf(schema: Schema) {
  const seen = new Map<string, unknown>();
  const visit = (desc: DescMessage) => {
    if (seen.has(desc.typeName)) return;
    seen.set(desc.typeName, undefined);
    const fields = desc.fields.map((field) => ({
      name: field.name,
      json: field.jsonName,
      number: field.number,
      kind: field.fieldKind,
      scalar: field.scalar,
      key: field.fieldKind === 'map' ? field.mapKey : undefined,
      type: field.message?.typeName ?? field.enum?.typeName,
      values: field.enum?.values.map(({ name, number }) => [name, number]),
      oneof: field.oneof?.name,
      presence: field.presence,
    }));
    seen.set(desc.typeName, fields);
    for (const { message } of desc.fields) if (message !== undefined) visit(message);
  };
  const methods = schema.methods.map((name) => {
    const { input, output, requestStream, responseStream, ...method } = schema.method(name);
    visit(input);
    visit(output);
    const types = [input.typeName, output.typeName];
    const policy = methodOf({ input, output, requestStream, responseStream, ...method })?.policy;
    return { name, types, requestStream, responseStream, policy };
  });
  return { methods, messages: Object.fromEntries(seen) };
}

describe('contracts from .proto files', () => {
  it.each([
    ['rondo/conformance/v1/conformance.proto', 'rondo.conformance.v1.ConformanceService'],
    ['rondo/conformance/v1/adder.proto', 'rondo.conformance.v1.AdderService'],
    ['rondo/registry/v1/registry.proto', 'rondo.registry.v1.RegistryService'],
    ['rondo/transactions/v1/transactions.proto', 'rondo.transactions.v1.ParticipantService'],
  ])('%s is what the compiler makes of it', async (file, service) => {
    const parsed = await protoContracts([file], { includeDirs }).load(service);
    const compiled = await own.load(service);
    expect(shapeOf(parsed)).toEqual(shapeOf(compiled));
  });

  it('have each kind of field, and the policies of methods', async () => {
    const sample = fileURLToPath(new URL('./sample.proto', import.meta.url));
    const source = protoContracts([sample], { includeDirs });
    expect(await source.services()).toEqual(['sample.v1.SampleService']);
    const parsed = shapeOf(await source.load('sample.v1.SampleService'));
    const compiled = shapeOf(await descriptorContracts(await compileSample()).load('sample.v1.SampleService'));
    expect(parsed).toEqual(compiled);
    expect(parsed.methods[0]?.policy).toMatchObject({ timeoutMs: 2_500, compression: 'gzip' });
  });

  it('that are not there or not proto are refused, with the file and the reason', async () => {
    const missing = await failureOf(protoContracts(['nothing.proto']).services());
    expect(missing).toMatchObject({ code: Status.INVALID_ARGUMENT, message: expect.stringContaining('nothing.proto') });
    const folder = await mkdtemp(join(tmpdir(), 'rondo-dynamic-'));
    const broken = join(folder, 'broken.proto');
    await writeFile(broken, 'syntax = "proto3"; service {');
    const unread = await failureOf(protoContracts([broken]).load('a.B'));
    await rm(folder, { recursive: true });
    expect(unread.message).toMatch(/broken\.proto can't be read: .*; name files of proto3/);
  });

  it('lack their imports, and the error names the folder option', async () => {
    const refused = await failureOf(protoContracts([join(PROTO, 'rondo/conformance/v1/adder.proto')]).services());
    expect(refused.message).toContain('in includeDirs the folders of their imports');
  });
});

it('descriptors that are none are refused', () => {
  expect(() => descriptorContracts(Buffer.from('no descriptors'))).toThrow();
});
