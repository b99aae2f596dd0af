/** A plain grpc-js client against our server. */

import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequest, ErrorInfo, Help, QuotaFailure } from '@rondo/contracts/google/rpc/error_details';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ServerCall } from '../src/exports/call.js';
import { createRouter, type RpcServer, serve } from '../src/exports/server.js';
import { packDetail, RpcError, Status } from '../src/exports/status.js';
import { remainingMs } from './conformance/handlers.js';
import { grpcDefinition } from './support/grpc-definition.js';
import { recordingLogger } from './support/recording-logger.js';
import { conformanceService } from './support/service.js';

const { unary, unimplemented } = grpcDefinition(ConformanceServiceDefinition);
const { logger, lines } = recordingLogger();
let seen: ServerCall | undefined;

const service = conformanceService({
  async unary({ text }, call) {
    seen = call;
    if (text === 'fail') {
      const details = [packDetail(ErrorInfo, { reason: 'OURS', domain: 'rondo' })];
      throw new RpcError(Status.FAILED_PRECONDITION, '日本', { details });
    }
    if (text === 'fail at length') {
      const lines = Array.from({ length: 300 }, (_, index) => ({
        field: `lines[${index}].price`,
        description: 'is below 0',
      }));
      const details = [packDetail(BadRequest, { fieldViolations: lines }), packDetail(ErrorInfo, { reason: 'OURS' })];
      throw new RpcError(Status.INVALID_ARGUMENT, 'see the details', { details });
    }
    if (text === 'fail in vain') {
      const violations = [{ subject: 's'.repeat(5_000) }];
      const details = [packDetail(Help, {}), packDetail(QuotaFailure, { violations }), packDetail(Help, {})];
      throw new RpcError(Status.RESOURCE_EXHAUSTED, 'no', { details });
    }
    call.header.set('x-header', 'h');
    call.trailer.set('x-trailer', 't');
    return { text: String(Math.ceil(remainingMs(call) ?? 0)) };
  },
});

describe('a plain grpc-js client and our server', () => {
  let server: RpcServer;
  let client: grpc.Client;

  beforeAll(async () => {
    server = await serve(createRouter({ services: [service], instanceId: 'ours', logger }), { listen: '127.0.0.1:0' });
    client = new grpc.Client(server.address, grpc.credentials.createInsecure());
  });

  afterAll(async () => {
    client.close();
    await server.drain(0);
  });

  type GrpcMethod = NonNullable<typeof unary>;
  interface Outcome {
    readonly error?: grpc.ServiceError;
    readonly reply?: { readonly text: string };
    readonly header?: grpc.Metadata;
    readonly status?: grpc.StatusObject;
  }

  function call(request: object, { method = unary } = {}): Promise<Outcome> {
    const { path, requestSerialize, responseDeserialize } = method as GrpcMethod;
    return new Promise((resolve) => {
      const outcome: { -readonly [K in keyof Outcome]: Outcome[K] } = {};
      const metadata = new grpc.Metadata();
      metadata.add('x-bin', Buffer.from([1]));
      metadata.add('x-bin', Buffer.from([2]));
      const done = (error: grpc.ServiceError | null, reply?: unknown) => {
        Object.assign(outcome, error === null ? { reply } : { error });
      };
      const decode = responseDeserialize as (bytes: Buffer) => unknown;
      const made = client.makeUnaryRequest(path, requestSerialize, decode, request, metadata, done);
      made.on('metadata', (header) => Object.assign(outcome, { header }));
      made.on('status', (status) => resolve(Object.assign(outcome, { status })));
    });
  }

  it('gets a reply with header and trailer', async () => {
    const { reply, header, status } = await call({ text: 'hello' });
    expect(reply).toMatchObject({ text: expect.stringMatching(/^\d+$/) });
    expect(header?.get('x-header')).toEqual(['h']);
    expect(status?.metadata.get('x-trailer')).toEqual(['t']);
    expect(status?.metadata.get('rondo-served-by')).toEqual(['ours']);
    expect(seen?.metadata.getAll('x-bin')).toEqual([Buffer.from([1]), Buffer.from([2])]);
    expect(seen?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('gets as many violations as every client takes, and how many more there were', async () => {
    const { error } = await call({ text: 'fail at length' });
    const [bytes] = error?.metadata.get('grpc-status-details-bin') ?? [];
    expect(bytes?.length).toBeLessThan(4 * 1024 + 100);
    const { details } = RichStatus.decode(Buffer.from(bytes ?? ''));
    const { fieldViolations } = BadRequest.decode(details[0]?.value ?? new Uint8Array());
    const more = 300 - fieldViolations.length;
    expect(more).toBeLessThan(250);
    expect(fieldViolations.at(-2)).toEqual(expect.objectContaining({ description: 'is below 0' }));
    expect(fieldViolations.at(-1)).toEqual(expect.objectContaining({ description: `is below 0; and ${more} more` }));
    expect(ErrorInfo.decode(details[1]?.value ?? new Uint8Array())).toMatchObject({ reason: 'OURS' });
    expect(lines).toContainEqual({
      level: 'warn',
      fields: expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      message: 'details too large: what is beyond 4 KiB was cut',
    });
  });

  it("gets the details before one that can't be cut", async () => {
    const { error } = await call({ text: 'fail in vain' });
    const [bytes] = error?.metadata.get('grpc-status-details-bin') ?? [];
    expect(RichStatus.decode(Buffer.from(bytes ?? '')).details).toEqual([packDetail(Help, {})]);
  });

  it('gets an error for bytes that are no request, and for a missing method', async () => {
    const garbage = { ...(unary as GrpcMethod), requestSerialize: () => Buffer.from([0xff, 0xff]) };
    const { error } = await call({}, { method: garbage });
    const details = expect.stringContaining('not of the type');
    expect(error).toMatchObject({ code: grpc.status.INVALID_ARGUMENT, details });
    expect((await call({}, { method: unimplemented as GrpcMethod })).error?.code).toBe(grpc.status.UNIMPLEMENTED);
  });
});
