import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import type { ServerReflectionRequest } from '@rondo/contracts/grpc/reflection/v1/reflection';
import { ServerReflectionDefinition as V1Alpha } from '@rondo/contracts/grpc/reflection/v1alpha/reflection';
import { implement } from '@rondo/rpc/server';
import { createTestChannel } from '@rondo/rpc/testing';
import { loadSchema, toDynamicMethod } from '../src/contract.js';
import { methodOf } from '../src/method.js';
import { createReflection } from '../src/reflection.js';

const SERVICE = 'rondo.conformance.v1.ConformanceService';
const FILE = 'rondo/conformance/v1/conformance.proto';
const set = fromBinary(
  FileDescriptorSetSchema,
  readFileSync(new URL('../../contracts/descriptors.binpb', import.meta.url)),
);
/** Those that the tests need. */
const own = set.file.filter(({ name }) =>
  /^(?:google\/(?:protobuf|rpc)|rondo\/(?:options\/v1|conformance\/v1\/(?:adder|conformance)))/.test(name),
);

/** A server with only v1alpha reflection that returns one file at a time, as some do. */
function serverOf(files: typeof own) {
  const file = (name: string) => files.find((candidate) => candidate.name === name);
  async function* serverReflectionInfo(requests: AsyncIterable<ServerReflectionRequest>) {
    for await (const { messageRequest } of requests) {
      const name = messageRequest?.$case === 'fileByFilename' ? messageRequest.value : FILE;
      const found = file(name);
      yield found === undefined
        ? {
            messageResponse: {
              $case: 'errorResponse' as const,
              value: { errorCode: 5, errorMessage: `${name} not found` },
            },
          }
        : {
            messageResponse: {
              $case: 'fileDescriptorResponse' as const,
              value: { fileDescriptorProto: [Buffer.from(toBinary(FileDescriptorProtoSchema, found))] },
            },
          };
    }
  }
  return createTestChannel({ services: [implement(V1Alpha, { serverReflectionInfo })] });
}

const serverWithout = (hidden: string) => serverOf(own.filter(({ name }) => name !== hidden));

const signal = new AbortController().signal;

describe('a contract learnt by reflection', () => {
  it('comes from a server of v1alpha that returns one file at a time', async () => {
    const channel = serverWithout('');
    const reflected = await createReflection(channel, { signal }).filesOf(SERVICE);
    const files = reflected.map(({ proto }) => proto);
    channel.close();
    const names = files.map(({ name }) => name);
    expect(names.at(-1)).toBe(FILE);
    for (const [index, { dependency }] of files.entries()) {
      for (const imported of dependency) expect(names.slice(0, index)).toContain(imported);
    }
    for (const { proto, bytes } of reflected) {
      expect(Buffer.from(bytes).equals(toBinary(FileDescriptorProtoSchema, proto))).toBe(true);
    }
    const method = loadSchema(SERVICE, files).method('unary');
    expect(method).toMatchObject({ service: SERVICE, name: 'Unary', requestStream: false, responseStream: false });
    expect(method.input.typeName).toBe('rondo.conformance.v1.UnaryRequest');
  });

  it('has the names of fields in JSON, also if the server leaves them out, as those of proto-loader do', async () => {
    const nameless = own.map((file) => {
      const copy = fromBinary(FileDescriptorProtoSchema, toBinary(FileDescriptorProtoSchema, file));
      for (const { field } of copy.messageType) for (const one of field) one.jsonName = '';
      return copy;
    });
    const channel = serverOf(nameless);
    const files = (await createReflection(channel, { signal }).filesOf(SERVICE)).map(({ proto }) => proto);
    channel.close();
    const namesIn = (service: string, among: typeof own) =>
      loadSchema(service, among).desc.methods.flatMap(({ input }) => input.fields.map(({ jsonName }) => jsonName));
    expect(namesIn(SERVICE, files)).toEqual(namesIn(SERVICE, own));
  });

  it('keeps its policy: the deadline and the idempotency', () => {
    const adder = loadSchema('rondo.conformance.v1.AdderService', own);
    expect(methodOf(adder.method('Add'))?.policy).toEqual({ timeoutMs: 30_000, idempotency: 'no_side_effects' });
    const conformance = loadSchema(SERVICE, own);
    expect(methodOf(conformance.method('Unary'))?.policy).toEqual({ timeoutMs: 5_000, idempotency: 'no_side_effects' });
    const { timeoutMs, defaultTimeoutMs } = methodOf(conformance.method('UnaryUnsafe'))?.policy ?? {};
    expect([timeoutMs, defaultTimeoutMs]).toEqual([undefined, 10_000]);
    expect(methodOf(conformance.method('BidiStream'))?.policy).toEqual({
      timeoutMs: undefined,
      idempotency: 'unknown',
    });
  });

  it('is refused if a file is missing, and the error names the file', async () => {
    const channel = serverWithout('google/rpc/status.proto');
    await expect(createReflection(channel, { signal }).filesOf(SERVICE)).rejects.toThrow('google/rpc/status.proto');
    channel.close();
  });

  it('is refused if its files are larger than the caller allows', async () => {
    const channel = serverWithout('');
    const refused = createReflection(channel, { signal, maxBytes: 1_000 }).filesOf(SERVICE);
    await expect(refused).rejects.toThrow('larger than 1000 bytes');
    channel.close();
  });

  it('is not to be had from a server without reflection, which is said', async () => {
    const channel = createTestChannel({ services: [] });
    await expect(createReflection(channel, { signal }).filesOf(SERVICE)).rejects.toThrow('has no reflection');
    channel.close();
  });
});

it('reads an option that is set any number of times', () => {
  const [method] = loadSchema(SERVICE, own).desc.methods;
  if (method?.proto.options === undefined) throw new Error('it has options');
  method.proto.options.$unknown = Array.from({ length: 200_000 }, () => ({ no: 1, wireType: 0, data: NONE }));
  expect(toDynamicMethod(method).options._unknownFields?.[8]).toHaveLength(200_000);
});

const NONE = new Uint8Array();
