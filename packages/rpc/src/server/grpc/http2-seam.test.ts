import http2 from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { conformanceService } from '../../../test/support/service.js';
import { createRouter } from '../router.js';
import { setUpHttp2 } from './http2-seam.js';
import { serve } from './serve.js';

afterEach(() => {
  jest.restoreAllMocks();
});

/** These fail if a version of grpc-js makes its HTTP/2 servers in another way. */
describe('the HTTP/2 server of grpc-js', () => {
  it('is made with what a Rondo server sets', async () => {
    const createServer = jest.spyOn(http2, 'createServer');
    const server = await serve(createRouter({ services: [conformanceService()] }), { listen: '127.0.0.1:0' });
    await server.drain(0);
    expect(createServer).toHaveBeenCalledTimes(1);
    expect(createServer.mock.calls[0]?.[0]).toMatchObject({
      streamResetBurst: 20_000,
      streamResetRate: 10_000,
      settings: { maxHeaderListSize: 65_536 },
    });
  });

  it('is prepared before grpc-js listens to it', async () => {
    const seen: number[] = [];
    const server = new grpc.Server();
    setUpHttp2(server, { options: {}, prepare: (made) => seen.push(made.listenerCount('stream')) });
    await new Promise<void>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    server.forceShutdown();
    expect(seen).toEqual([0]);
  });

  it.each(['commonServerOptions', '_setupHandlers'])('is refused where it has no %s', (name) => {
    const server = new grpc.Server();
    Object.defineProperty(server, name, { value: undefined });
    expect(() => setUpHttp2(server, { options: {}, prepare: () => undefined })).toThrow(/ADR 0033/);
    server.forceShutdown();
  });
});
