import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { afterEach, expect, it } from '@jest/globals';
import {
  type ServerReflectionRequest,
  ServerReflectionDefinition as V1,
} from '@rondo/contracts/grpc/reflection/v1/reflection';
import { ServerReflectionDefinition as V1Alpha } from '@rondo/contracts/grpc/reflection/v1alpha/reflection';
import {
  HealthCheckResponse,
  HealthDefinition,
  HealthCheckResponse_ServingStatus as Serving,
} from '@rondo/contracts/health/v1/health';
import { Exposure } from '@rondo/contracts/rondo/options/v1/options';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { serve } from '@rondo/rpc/server';
import { Status } from '@rondo/rpc/status';
import { createReflection } from '@rondo/schema';
import { createState, readinessOf } from '@rondo/service/testing';
import { replyEncoder } from '../src/protocols/codec.js';
import { createOwnServices } from '../src/protocols/own-services.js';
import { contractFile } from './support/contracts.js';
import { connect, instanceWith, startCatalogue, until } from './support/fleet.js';
import { cleanUp, closeAll } from './support/listening.js';

const BOOKS = 'books.v1.BooksService';
const descriptorSet = readFileSync(new URL('../../../packages/contracts/descriptors.binpb', import.meta.url));
const signal = new AbortController().signal;

afterEach(closeAll);

async function start() {
  const { fleet, catalogue, clock } = startCatalogue();
  const readiness = createState(readinessOf([]));
  const local = createOwnServices({ catalogue, readiness, descriptorSet, clock, log: silentLogger });
  const server = await serve(local.router, { listen: '127.0.0.1:0' });
  const channel = connect(server.address);
  cleanUp(() => server.drain(0));
  cleanUp(() => channel.close());
  const add = async (instanceId: string, services: readonly string[], files: readonly FileDescriptorProto[]) => {
    fleet.add({ instanceId, address: await instanceWith(...files), services });
    await until(catalogue, () => catalogue.settled);
  };
  return { fleet, catalogue, readiness, local, channel, add };
}

/** Asks on one stream for the fields of the message in each file that is returned. */
async function ask(
  channel: ReturnType<typeof connect>,
  questions: readonly ServerReflectionRequest['messageRequest'][],
) {
  async function* requests() {
    for (const messageRequest of questions) yield { host: '', messageRequest };
  }
  const fields: (readonly string[] | undefined)[] = [];
  for await (const { messageResponse } of createClient(V1, { channel }).serverReflectionInfo(requests())) {
    if (messageResponse?.$case !== 'fileDescriptorResponse') continue;
    const [file] = messageResponse.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    fields.push(file?.messageType[0]?.field.map(({ name }) => name));
  }
  return fields;
}

it('lists the public services, and returns their contracts and those of health and reflection', async () => {
  const { add, channel, fleet } = await start();
  const secret = contractFile({ service: 'a.v1.Secret', exposure: Exposure.EXPOSURE_INTERNAL });
  await add('a', [BOOKS, 'a.v1.Secret'], [contractFile({ service: BOOKS }), secret]);
  const reflection = createReflection(channel, { signal });
  const own = ['grpc.health.v1.Health', V1.fullName, V1Alpha.fullName];
  expect(await reflection.listServices()).toEqual([BOOKS, ...own]);
  const [file] = await reflection.filesOf(BOOKS);
  expect(file?.proto.service.map(({ name }) => name)).toEqual(['BooksService']);
  for (const service of own) expect(await reflection.filesOf(service)).not.toEqual([]);
  await expect(reflection.filesOf('a.v1.Secret')).rejects.toMatchObject({ code: Status.NOT_FOUND });
  await expect(reflection.filesOf('rondo.registry.v1.RegistryService')).rejects.toMatchObject({
    code: Status.NOT_FOUND,
  });
  fleet.remove('a');
  expect(await reflection.listServices()).toEqual(own);
});

it('cuts an internal service out of a file that also has a public one', async () => {
  const { add, channel } = await start();
  const file = contractFile({ service: BOOKS });
  const { service: inside } = contractFile({ service: 'books.v1.Stock', exposure: Exposure.EXPOSURE_INTERNAL });
  file.service.push(...inside);
  await add('a', [BOOKS, 'books.v1.Stock'], [file]);
  const reflection = createReflection(channel, { signal });
  const [returned] = await reflection.filesOf(BOOKS);
  expect(returned?.proto.service.map(({ name }) => name)).toEqual(['BooksService']);
  await expect(reflection.filesOf('books.v1.Stock')).rejects.toMatchObject({ code: Status.NOT_FOUND });
});

it('cuts an internal method out of its service', async () => {
  const { add, channel } = await start();
  const methods = { Get: undefined, Watch: undefined };
  await add('a', [BOOKS], [contractFile({ service: BOOKS, methods, inside: ['Watch'] })]);
  const [returned] = await createReflection(channel, { signal }).filesOf(BOOKS);
  expect(returned?.proto.service.flatMap(({ method }) => method.map(({ name }) => name))).toEqual(['Get']);
});

it('returns a file from the version that the stream has heard of', async () => {
  const { add, channel } = await start();
  const one = contractFile({ service: BOOKS });
  await add('old-1', [BOOKS], [one]);
  await add('old-2', [BOOKS], [one]);
  await add('new-1', [BOOKS], [contractFile({ service: BOOKS, fields: ['name', 'shelf'] })]);
  const byName = { $case: 'fileByFilename' as const, value: one.name };
  const ofNew = { $case: 'fileContainingSymbol' as const, value: 'books.v1.Message.shelf' };
  expect(await ask(channel, [byName])).toEqual([['name']]);
  expect(await ask(channel, [ofNew, byName])).toEqual([
    ['name', 'shelf'],
    ['name', 'shelf'],
  ]);
});

it('describes its own methods as those of the catalogue', async () => {
  const { local } = await start();
  const check = local.method('/grpc.health.v1.Health/Check');
  expect(check).toMatchObject({ method: { path: '/grpc.health.v1.Health/Check', responseStream: false } });
  expect(check?.descAt(undefined)?.input.typeName).toBe('grpc.health.v1.HealthCheckRequest');
  expect(local.method(`/${V1.fullName}/ServerReflectionInfo`)?.desc.methodKind).toBe('bidi_streaming');
  expect(local.method(`/${BOOKS}/Get`)).toBeUndefined();
});

it('reports the health of each public service, and of the gateway', async () => {
  const { add, channel, fleet, readiness } = await start();
  await add('a', [BOOKS], [contractFile({ service: BOOKS })]);
  const health = createClient(HealthDefinition, { channel });
  expect(await health.check({ service: BOOKS })).toEqual({ status: Serving.SERVING });
  await expect(health.check({ service: 'a.v1.Secret' })).rejects.toMatchObject({ code: Status.NOT_FOUND });
  const seen: Serving[] = [];
  for await (const { status } of health.watch({ service: BOOKS })) {
    seen.push(status);
    if (seen.length === 2) break;
    fleet.remove('a');
  }
  expect(seen).toEqual([Serving.SERVING, Serving.NOT_SERVING]);
  readiness.set(readinessOf(['the registry']));
  expect(await health.check({ service: '' })).toEqual({ status: Serving.NOT_SERVING });
});

it('writes the JSON of a reply of its own once, however many streams it is sent to', async () => {
  const target = (await start()).local.method('/grpc.health.v1.Health/Watch');
  if (target === undefined) throw new Error('the method is missing');
  const reply = HealthCheckResponse.encode({ status: Serving.SERVING }).finish();
  const json = replyEncoder(target, 'json', undefined)(reply);
  expect(Buffer.from(json).toString()).toBe('{"status":"SERVING"}');
  expect(replyEncoder(target, 'json', undefined)(reply)).toBe(json);
});
