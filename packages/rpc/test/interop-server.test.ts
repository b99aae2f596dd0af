/** Our client against a plain grpc-js server, written by hand. */

import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { Metadata } from '../src/exports/call.js';
import { type Channel, createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { packDetail, Status } from '../src/exports/status.js';
import { grpcDefinition } from './support/grpc-definition.js';
import { failure } from './support/outcome.js';
import type { ConformanceClient } from './support/service.js';
import { collect, streamOf } from './support/stream.js';

interface Text {
  readonly text: string;
}

function richFailure(): Partial<grpc.StatusObject> {
  const details = [packDetail(ErrorInfo, { reason: 'PLAIN', domain: 'grpc-js' })];
  const bytes = RichStatus.encode({ code: grpc.status.ABORTED, message: 'äöü', details }).finish();
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(bytes));
  metadata.set('x-trailer', 'from plain');
  return { code: grpc.status.ABORTED, details: 'äöü', metadata };
}

const handlers: grpc.UntypedServiceImplementation = {
  unary(call: grpc.ServerUnaryCall<Text, object>, respond: grpc.sendUnaryData<object>) {
    if (call.request.text === 'fail') return respond(richFailure());
    const header = new grpc.Metadata();
    for (const value of call.metadata.get('x-values-bin')) header.add('x-echo-bin', value);
    header.set('x-echo', String(call.metadata.get('x-text')[0]));
    call.sendMetadata(header);
    const trailer = new grpc.Metadata();
    const deadline = call.getDeadline();
    trailer.set('x-remaining', deadline === Number.POSITIVE_INFINITY ? 'none' : String(Number(deadline) - Date.now()));
    return respond(null, { text: call.request.text }, trailer);
  },
  // Never answers: grpc-js ends it at the deadline.
  unaryUnsafe() {},
  clientStream(call: grpc.ServerReadableStream<Text, object>, respond: grpc.sendUnaryData<object>) {
    const texts: string[] = [];
    call.on('data', ({ text }: Text) => texts.push(text));
    call.on('end', () => respond(null, { texts }));
  },
  serverStream(call: grpc.ServerWritableStream<{ count: number }, object>) {
    for (let index = 0; index < call.request.count; index += 1) call.write({ index });
    if (call.request.count === 2) call.emit('error', richFailure());
    else call.end();
  },
  bidiStream(call: grpc.ServerDuplexStream<Text, object>) {
    call.on('data', ({ text }: Text) => call.write({ text }));
    call.on('end', () => call.end());
  },
};

describe('our client and a plain grpc-js server', () => {
  const server = new grpc.Server();
  let channel: Channel;
  let client: ConformanceClient;

  beforeAll(async () => {
    const { unimplemented: _unimplemented, ...service } = grpcDefinition(ConformanceServiceDefinition);
    server.addService(service, handlers);
    const port = await new Promise<number>((resolve, reject) => {
      const done = (error: Error | null, bound: number) => (error === null ? resolve(bound) : reject(error));
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), done);
    });
    channel = createChannel({ resolver: staticResolver([`127.0.0.1:${port}`]) });
    client = createClient(ConformanceServiceDefinition, { channel });
  });

  afterAll(() => {
    channel.close();
    server.forceShutdown();
  });

  it('support all four kinds of method', async () => {
    expect(await client.unary({ text: 'hello' })).toMatchObject({ text: 'hello' });
    expect(await client.clientStream(streamOf({ text: 'a' }, { text: 'b' }))).toEqual({ texts: ['a', 'b'] });
    expect((await collect(client.serverStream({ count: 3 }))).map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(await collect(client.bidiStream(streamOf({ text: 'a' }, { text: 'b' })))).toEqual([
      { text: 'a' },
      { text: 'b' },
    ]);
  });

  it('exchange metadata, both ways', async () => {
    let header: Metadata | undefined;
    let trailer: Metadata | undefined;
    const values = [Buffer.from([0, 1]), Buffer.from([255])];
    await client.unary(
      {},
      {
        metadata: [['x-text', 'as it is'], ...values.map((value) => ['x-values-bin', value] as const)],
        onHeader: (metadata) => {
          header = metadata;
        },
        onTrailer: (metadata) => {
          trailer = metadata;
        },
      },
    );
    expect(header?.get('x-echo')).toBe('as it is');
    expect(header?.getAll('x-echo-bin')).toEqual(values);
    expect(Number(trailer?.get('x-remaining'))).toBeGreaterThan(4_000);
    for (const key of ['content-type', 'date', 'grpc-status']) expect(header?.has(key)).toBe(false);
  });

  it('carry errors with their details', async () => {
    for (const error of await Promise.all(
      [client.unary({ text: 'fail' }), collect(client.serverStream({ count: 2 }))].map(failure),
    )) {
      expect(error).toMatchObject({ code: Status.ABORTED, message: 'äöü' });
      expect(error.detail(ErrorInfo)).toMatchObject({ reason: 'PLAIN' });
      expect(error.metadata.get('x-trailer')).toBe('from plain');
      expect(error.report?.attempts).toHaveLength(1);
    }
  });
});
