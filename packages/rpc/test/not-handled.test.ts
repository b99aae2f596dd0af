/** A call is retried elsewhere only if it is certain that no handler ran: an unsafe method runs once, whatever it answers. */

import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { methodsOf } from '../src/contract/method.js';
import { Metadata, type ServerCall } from '../src/exports/call.js';
import type { Middleware } from '../src/exports/middleware.js';
import { createRouter, type Router, serve } from '../src/exports/server.js';
import { RpcError, Status } from '../src/exports/status.js';
import { createMemoryNetwork } from '../src/exports/testing.js';
import type { RouterOptions } from '../src/server/router.js';
import { CallRefused } from '../src/status/wire-errors.js';
import type { TransportFactory } from '../src/transport/transport.js';
import { startRawServer } from './support/http2-server.js';
import { failure } from './support/outcome.js';
import { conformanceService } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { wireCall } from './support/wire-call.js';

const PATH = '/rondo.conformance.v1.ConformanceService/UnaryUnsafe';
const { closers, connectTo, startServer } = socketsOfATest();

interface Net {
  listen(router: Router): Promise<string>;
  readonly transport: TransportFactory | undefined;
}

const nets: Record<string, () => Net> = {
  grpc: () => ({
    async listen(router) {
      const server = await serve(router, { listen: '127.0.0.1:0' });
      closers.push(() => server.drain(0));
      return server.address;
    },
    transport: undefined,
  }),
  memory: () => {
    const network = createMemoryNetwork();
    let count = 0;
    return {
      async listen(router) {
        count += 1;
        network.listen(`memory-${count}`, router);
        return `memory-${count}`;
      },
      transport: network.transport,
    };
  },
};

function clientOf(addresses: readonly string[], { transport }: Pick<Net, 'transport'> = { transport: undefined }) {
  return connectTo(addresses, transport && { transport });
}

/** Passes on the failure of a call that it made, with all its metadata. */
async function passOn(call: Promise<unknown>): Promise<never> {
  const { code, message, details, metadata } = await failure(call);
  throw new RpcError(code, message, { details, metadata });
}

describe.each(Object.entries(nets))('an unsafe method over %s', (_name, makeNet) => {
  /** Three replicas whose handler runs `answer`; `dependency` refuses calls of a service that it doesn't serve. */
  async function replicas(answer: (next: () => Promise<unknown>) => Promise<never>, middleware = false) {
    const net = makeNet();
    const dependency = await net.listen(createRouter({ services: [], instanceId: 'dependency' }));
    const next = clientOf([dependency], net);
    let runs = 0;
    const unaryUnsafe = async (): Promise<never> => {
      runs += 1;
      return answer(() => next.client.unaryUnsafe({}));
    };
    const around: Middleware<ServerCall> = async () => unaryUnsafe();
    const options: RouterOptions = {
      services: [conformanceService({ unaryUnsafe })],
      middleware: middleware ? [around] : [],
    };
    const addresses = await Promise.all(
      ['a', 'b', 'c'].map((instanceId) => net.listen(createRouter({ ...options, instanceId }))),
    );
    return { ...clientOf(addresses, net), runs: () => runs };
  }

  const texts = [
    'Method not found!',
    'Service is unimplemented.',
    'Method is unimplemented.',
    'unknown service other.v1.OtherService',
    'The server does not implement the method /other.v1.OtherService/Do',
    'unknown service rondo.conformance.v1.ConformanceService',
    'unknown method UnaryUnsafe for service rondo.conformance.v1.ConformanceService',
    `Method not found: ${PATH.slice(1)}`,
    `The server does not implement the method ${PATH}`,
    `this server doesn't implement ${PATH}; list its services by reflection`,
    '',
  ];

  it.each(texts)('runs once if its handler answers UNIMPLEMENTED: %j', async (text) => {
    const { client, runs } = await replicas(async () => {
      throw new RpcError(Status.UNIMPLEMENTED, text);
    });
    expect(await failure(client.unaryUnsafe({}))).toMatchObject({ code: Status.UNIMPLEMENTED, message: text });
    expect(runs()).toBe(1);
  });

  it.each([
    ['its handler', false],
    ['its middleware', true],
  ])('runs once if %s passes on that a server behind it lacks the same method', async (_who, middleware) => {
    const { client, runs } = await replicas((next) => passOn(next()), middleware);
    const message = `this server doesn't implement ${PATH}; list its services by reflection`;
    expect(await failure(client.unaryUnsafe({}))).toMatchObject({ code: Status.UNIMPLEMENTED, message });
    expect(runs()).toBe(1);
  });

  it('runs once if its handler throws the error of a transport', async () => {
    const net = makeNet();
    const dependency = clientOf([await net.listen(createRouter({ services: [] }))], net);
    const { client, runs } = await replicas(async () => {
      const method = methodsOf(ConformanceServiceDefinition).get('unaryUnsafe');
      if (method === undefined) throw new Error('the contract has it');
      throw await failure(dependency.channel.call(method, wireCall({ path: PATH }), { attempts: [] }));
    });
    expect(await failure(client.unaryUnsafe({}))).toMatchObject({ code: Status.UNIMPLEMENTED });
    expect(runs()).toBe(1);
  });

  it.each([
    ["Rondo's own middleware refuses it before its handler", { inHandler: false, tries: 3 }],
    ['its handler throws what that middleware throws', { inHandler: true, tries: 1 }],
  ])('is tried at each replica only if %s', async (_who, { inHandler, tries }) => {
    const net = makeNet();
    let received = 0;
    let runs = 0;
    const refuse = async (): Promise<never> => {
      throw new CallRefused(Status.UNAVAILABLE, 'not ready');
    };
    const middleware: Middleware<ServerCall> = (call, next) => {
      received += 1;
      return inHandler ? next(call) : refuse();
    };
    const unaryUnsafe = () => {
      runs += 1;
      return refuse();
    };
    const router = () => createRouter({ services: [conformanceService({ unaryUnsafe })], middleware: [middleware] });
    const addresses = await Promise.all([router(), router(), router()].map((one) => net.listen(one)));
    const { client } = clientOf(addresses, net);
    expect(await failure(client.unaryUnsafe({}))).toMatchObject({ code: Status.UNAVAILABLE, message: 'not ready' });
    expect([received, runs]).toEqual([tries, inHandler ? 1 : 0]);
  });

  it('reaches the one replica that has it, and runs there once', async () => {
    const net = makeNet();
    let runs = 0;
    const unaryUnsafe = () => {
      runs += 1;
      return {};
    };
    const without = createRouter({ services: [] });
    const having = createRouter({ services: [conformanceService({ unaryUnsafe })] });
    const addresses = await Promise.all([without, without, having].map((router) => net.listen(router)));
    const { client } = clientOf(addresses, net);
    for (let call = 1; call <= 3; call += 1) {
      expect(await client.unaryUnsafe({})).toEqual({});
      expect(runs).toBe(call);
    }
  });
});

describe('another gRPC server', () => {
  /** How many of three such servers one call tries. */
  async function asked(message: string, trailer: Record<string, string> = {}): Promise<number> {
    let calls = 0;
    const servers = await Promise.all(
      [1, 2, 3].map(() =>
        startRawServer((stream) => {
          calls += 1;
          const status = { 'grpc-status': Status.UNIMPLEMENTED, 'grpc-message': message };
          stream.respond({ 'content-type': 'application/grpc', ...status, ...trailer }, { endStream: true });
        }),
      ),
    );
    for (const server of servers) closers.push(() => server.close());
    const { client } = clientOf(servers.map(({ address }) => address));
    expect(await failure(client.unaryUnsafe({}))).toMatchObject({ code: Status.UNIMPLEMENTED });
    return calls;
  }

  it.each([
    `The server does not implement the method ${PATH}`,
    'unknown service rondo.conformance.v1.ConformanceService',
    'unknown method UnaryUnsafe for service rondo.conformance.v1.ConformanceService',
    `Method not found: ${PATH.slice(1)}`,
  ])('is believed if its dispatcher names this method: %j', async (message) => {
    expect(await asked(message)).toBe(3);
  });

  it.each([
    'Method not found!',
    'Service is unimplemented.',
    'Method is unimplemented.',
    'unknown service other.v1.OtherService',
    `Method not found: ${PATH.slice(1)}!`,
    '',
  ])('is not believed if it may mean another method: %j', async (message) => {
    expect(await asked(message)).toBe(1);
  });

  it('counts as a Rondo server by its trailer, whatever the text', async () => {
    const text = `The server does not implement the method ${PATH}`;
    expect(await asked(text, { 'rondo-served-by': 'of an older version' })).toBe(1);
    expect(await asked(text, { 'rondo-not-handled': '-' })).toBe(1);
    // What it passes on from a server behind it is about another method.
    expect(await asked(text, { 'rondo-not-handled': '/other.v1.OtherService/Do' })).toBe(1);
    expect(await asked('', { 'rondo-not-handled': PATH })).toBe(3);
  });
});

describe('the mark that no handler ran', () => {
  it('reaches a plain client for a method that is not served, and for no other', async () => {
    const unaryUnsafe = async (): Promise<never> => {
      throw new RpcError(Status.UNIMPLEMENTED, 'not here');
    };
    const unary = async (): Promise<never> => {
      throw new RpcError(Status.NOT_FOUND, 'not here');
    };
    const router = createRouter({ services: [conformanceService({ unary, unaryUnsafe })], instanceId: 'ours' });
    const server = await serve(router, { listen: '127.0.0.1:0' });
    closers.push(() => server.drain(0));
    const plain = new grpc.Client(server.address, grpc.credentials.createInsecure());
    closers.push(() => plain.close());
    const trailerOf = (path: string) =>
      new Promise<grpc.StatusObject>((resolve) => {
        const identity = (bytes: Buffer) => bytes;
        const call = plain.makeUnaryRequest(path, identity, identity, Buffer.alloc(0), () => undefined);
        call.on('status', resolve);
      });
    const service = PATH.slice(0, PATH.lastIndexOf('/'));
    for (const path of [`${service}/Missing`, '/other.v1.OtherService/Do', '/*', '/']) {
      const { code, details, metadata } = await trailerOf(path);
      expect(code).toBe(Status.UNIMPLEMENTED);
      expect(metadata.get('rondo-not-handled')).toEqual([path]);
      expect(metadata.get('rondo-served-by')).toEqual(['ours']);
      expect(details).toContain(path);
    }
    expect((await trailerOf(PATH)).metadata.get('rondo-not-handled')).toEqual(['-']);
    expect((await trailerOf(`${service}/Unary`)).metadata.get('rondo-not-handled')).toEqual([]);
  });

  it('is hidden from callers and handlers, and not passed on', async () => {
    let received = new Metadata();
    const unary = async (_request: unknown, call: ServerCall) => {
      received = call.metadata;
      return {};
    };
    const server = await startServer({ unary });
    const { client } = clientOf([server.address]);
    const { metadata } = await failure(client.unimplemented({}));
    expect([...metadata].map(([key]) => key)).not.toContain('rondo-not-handled');
    expect(metadata.has('rondo-not-handled')).toBe(false);
    const plain = new grpc.Client(server.address, grpc.credentials.createInsecure());
    closers.push(() => plain.close());
    await new Promise<void>((resolve) => {
      const identity = (bytes: Buffer) => bytes;
      const sent = new grpc.Metadata();
      sent.set('rondo-not-handled', PATH);
      sent.set('x-own', '1');
      const path = PATH.replace('UnaryUnsafe', 'Unary');
      plain.makeUnaryRequest(path, identity, identity, Buffer.alloc(0), sent, {}, () => resolve());
    });
    expect(received.get('x-own')).toBe('1');
    expect(received.has('rondo-not-handled')).toBe(false);
    expect([...new Metadata(received)].map(([key]) => key)).not.toContain('rondo-not-handled');
  });
});
