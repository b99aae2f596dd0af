import { once } from 'node:events';
import {
  type handleUnaryCall,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type CheckRequest, ValidationServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/validation';
import { currentScope, type Logger, raw, silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf, ManualClock } from '@rondo/rpc/testing';
import { implementGrpcJs } from '../src/exports/index.js';
import type { ImplementGrpcJsOptions } from '../src/implement.js';
import { conformance, generated, type Implementation, metadataOf, turns } from './fixture.js';

const channels: Channel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

/** A client of Rondo, and a service that was written for grpc-js. Time stands still. */
function connect(implementation: Implementation, options: ImplementGrpcJsOptions = {}) {
  const lines: string[] = [];
  const fields: object[] = [];
  const at = (level: string) => (more: object, message: string) => {
    lines.push(`${level}: ${message}`);
    fields.push(more);
  };
  const log: Logger = { ...silentLogger, warn: at('warn'), error: at('error'), child: () => log };
  const clock = new ManualClock();
  const services = [implementGrpcJs(conformance, implementation, options)];
  const channel = createTestChannel({ services, clock, wallClock: clock.wall, logger: log });
  channels.push(channel);
  return { client: createClient(ConformanceServiceDefinition, { channel }), channel, clock, lines, fields };
}

async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const message of messages) found.push(message);
  return found;
}

async function* one<T>(message: T): AsyncGenerator<T> {
  yield message;
}

describe('a failure of a handler', () => {
  const fault = new Error('password wrong at db.internal');

  it.each<{ what: string; implementation: Implementation }>([
    {
      what: 'is thrown',
      implementation: {
        unary() {
          throw fault;
        },
      },
    },
    { what: 'rejects the promise of an asynchronous handler', implementation: { unary: () => Promise.reject(fault) } },
    { what: 'is called back without a code', implementation: { unary: (_call, callback) => callback(fault) } },
    {
      what: 'is called back with a code that is not one of gRPC',
      implementation: { unary: (_call, callback) => callback(Object.assign(new Error('a'), { code: 28 })) },
    },
    {
      what: 'is called back as an error with the code of success',
      implementation: { unary: (_call, callback) => callback(Object.assign(new Error('a'), { code: status.OK })) },
    },
    { what: 'is an answer without a message', implementation: { unary: (_call, callback) => callback(null) } },
    {
      what: 'is a reply that cannot be encoded',
      implementation: { unary: (_call, callback) => callback(null, Object({ remaining: 'soon' })) },
    },
  ])('that $what is logged, and INTERNAL to the caller', async ({ implementation }) => {
    const { client, lines } = connect(implementation);
    const error = await failureOf(client.unary({}));
    expect(error.code).toBe(Status.INTERNAL);
    expect(error.message).toMatch(/^internal error; the log of the service has it/);
    expect(lines).toEqual(['error: the handler failed']);
  });

  it.each<{ what: string; serverStream: (call: ServerWritableStream<unknown, unknown>) => void; sent: number }>([
    {
      what: 'is thrown',
      sent: 2,
      serverStream() {
        throw fault;
      },
    },
    { what: 'is emitted without a code', sent: 2, serverStream: (call) => void call.emit('error', fault) },
    { what: 'destroys the call', sent: 0, serverStream: (call) => void call.destroy(fault) },
    { what: 'destroys the call without an error', sent: 0, serverStream: (call) => void call.destroy() },
    {
      what: 'is a message that cannot be encoded',
      sent: 2,
      serverStream: (call) => void call.write({ payload: 5, status: 'a' }),
    },
  ])('that $what ends a stream with INTERNAL, after what was written', async ({ serverStream, sent }) => {
    let left: Promise<unknown> | undefined;
    const { client, lines } = connect({
      serverStream(call) {
        left = new Promise((resolve) => call.once('close', resolve));
        call.write({ index: 1 });
        call.write({ index: 2 });
        serverStream(call);
      },
    });
    const replies: unknown[] = [];
    const reading = (async () => {
      for await (const reply of client.serverStream({})) replies.push(reply);
    })();
    expect(await failureOf(reading)).toMatchObject({ code: Status.INTERNAL });
    expect(lines).toEqual(['error: the handler failed']);
    expect(replies.length).toBeGreaterThanOrEqual(sent);
    await left;
  });

  it('in what listens for the cancellation does no harm', async () => {
    const { client, lines, clock } = connect({
      unary(call) {
        call.on('cancelled', () => {
          throw fault;
        });
      },
    });
    const failure = failureOf(client.unary({}, { timeoutMs: 1_000 }));
    await clock.advance(1_000);
    expect(await failure).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(lines).toContain('error: a listener of "cancelled" failed');
  });
});

describe('a handler', () => {
  it('has its first answer sent, if it calls back twice', async () => {
    const { client, lines } = connect({
      unary(_call, callback) {
        callback(null, { text: 'first' });
        callback(null, { text: 'second' });
      },
      unaryUnsafe(_call, callback) {
        callback({ code: status.ABORTED, details: 'first' });
        callback(null, {});
      },
    });
    expect(await client.unary({})).toMatchObject({ text: 'first' });
    expect(await failureOf(client.unaryUnsafe({}))).toMatchObject({ code: Status.ABORTED, message: 'first' });
    expect(lines).toEqual(Array(2).fill('warn: the handler has called back again, which has no effect'));
  });

  it('that never calls back is told of the deadline, at which the call ends', async () => {
    const served: Promise<ServerUnaryCall<unknown, unknown>>[] = [];
    const { client, clock } = connect({
      unary(call) {
        served.push(once(call, 'cancelled').then(() => call));
      },
    });
    const failure = failureOf(client.unary({}, { timeoutMs: 1_000 }));
    await clock.advance(1_000);
    expect(await failure).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(await Promise.all(served)).toMatchObject([{ cancelled: true }]);
  });

  it('is a method of its object', async () => {
    class Greeter {
      [name: string]: UntypedServiceImplementation[string];
      readonly #name = 'Ada';
      unary(_call: unknown, callback: (error: null, reply: object) => void) {
        callback(null, { text: this.#name });
      }
    }
    expect(await connect(new Greeter()).client.unary({})).toMatchObject({ text: 'Ada' });
  });

  it('runs in the scope of its call, also in the listeners of its streams', async () => {
    const scopes: unknown[] = [];
    const { client } = connect({
      bidiStream(call) {
        scopes.push(currentScope()?.traceId);
        call.on('data', () => scopes.push(currentScope()?.traceId));
        call.on('end', () => call.end());
      },
    });
    const metadata = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    await all(client.bidiStream(one({ text: 'x' }), { metadata }));
    expect(scopes).toEqual(['a'.repeat(32), 'a'.repeat(32)]);
  });

  it('has no more messages in memory than the buffers of its stream hold', async () => {
    let written = 0;
    const ends: string[] = [];
    const { client } = connect({
      async serverStream(call) {
        call.on('cancelled', () => ends.push('cancelled'));
        for (; written < 1_000 && !call.cancelled; written += 1)
          if (!call.write({ index: written })) await once(call, 'drain');
      },
    });
    let read = 0;
    for await (const { index } of client.serverStream({})) {
      expect(index).toBe(read);
      read += 1;
      // Were the replies not held back, the handler would write all of them here.
      await turns();
      expect(written - read).toBeLessThan(40);
      if (read === 100) break;
    }
    expect(ends).toEqual(['cancelled']);
  });

  it('gets no more requests than it reads, and no more once it has answered', async () => {
    let sent = 0;
    let ahead = 0;
    let over = (_sent: number) => {};
    const left = new Promise<number>((resolve) => {
      over = resolve;
    });
    const { client } = connect({
      async clientStream(call, callback) {
        const texts: string[] = [];
        call.on('data', async ({ text }) => {
          call.pause();
          texts.push(text);
          await turns();
          ahead = Math.max(ahead, sent - texts.length);
          if (texts.length === 50) callback(null, { texts });
          else call.resume();
        });
      },
    });
    const requests = (async function* () {
      try {
        for (; sent < 1_000; sent += 1) yield { text: `${sent}` };
      } finally {
        over(sent);
      }
    })();
    const { texts } = await client.clientStream(requests);
    expect(texts).toHaveLength(50);
    expect(ahead).toBeLessThan(40);
    expect(await left).toBeLessThan(100);
  });

  it('learns that a request does not decode, as the caller does', async () => {
    const ends: Promise<unknown>[] = [];
    const { channel } = connect({
      bidiStream(call) {
        call.resume();
        ends.push(once(call, 'cancelled'));
      },
    });
    const { bidiStream } = ConformanceServiceDefinition.methods;
    const encoded = { ...ConformanceServiceDefinition, methods: { bidiStream: raw(bidiStream) } };
    const replies = createClient(encoded, { channel }).bidiStream(one(new Uint8Array([255])));
    const error = await failureOf(all(replies));
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT });
    expect(error.message).toMatch(/^the request of .*BidiStream is not of the type in its contract/);
    await Promise.all(ends);
    expect(ends).toHaveLength(1);
  });

  it.each(['getHost', 'getAuthContext', 'getMetricsRecorder'] as const)(
    'is told that %s() is not supported',
    async (name) => {
      const { client } = connect({
        unary(call, callback) {
          try {
            call[name]();
          } catch (error) {
            callback(null, { text: String(error) });
          }
        },
      });
      const { text } = await client.unary({});
      expect(text).toMatch(`TypeError: ${name}() of a grpc-js call isn't supported: `);
    },
  );

  it('is told of metadata that cannot be sent', async () => {
    const { client, fields } = connect({
      unary(call, callback) {
        expect(() => call.sendMetadata(metadataOf({ 'grpc-own': 'a' }))).toThrow('keys that begin with "grpc-" belong');
        callback(null, {}, metadataOf({ connection: 'close' }));
      },
    });
    expect(await failureOf(client.unary({}))).toMatchObject({ code: Status.INTERNAL });
    expect(fields).toMatchObject([{ err: { message: expect.stringContaining('"connection"') } }]);
  });

  it('passes on an error of a call that it made, with all that this call received', async () => {
    const metadata = metadataOf({ 'content-type': 'application/grpc', 'grpc-own': 'a', note: 'n' });
    const { client } = connect({
      unary: (_call, callback) => callback({ code: status.NOT_FOUND, details: 'gone', metadata }),
    });
    const error = await failureOf(client.unary({}));
    expect(error).toMatchObject({ code: Status.NOT_FOUND, message: 'gone' });
    expect([...error.metadata]).toEqual([['note', 'n']]);
  });
});

describe('the contract', () => {
  const unary: Implementation = {
    unary: (call, callback) => callback(null, { text: String(call.getDeadline()) }),
  };

  it('limits the time of a call, if it is given', async () => {
    const unlimited = { timeoutMs: Number.POSITIVE_INFINITY };
    const { unary: method } = ConformanceServiceDefinition.methods;
    const without = { ...ConformanceServiceDefinition, methods: { unary: { ...method, options: {} } } };
    const ask = ({ channel }: { readonly channel: Channel }) => createClient(without, { channel }).unary({}, unlimited);
    const limited = connect(unary, { contract: ConformanceServiceDefinition });
    expect(await ask(connect(unary))).toMatchObject({ text: 'Infinity' });
    expect(await ask(limited)).toMatchObject({ text: String(limited.clock.now() + 5_000) });
  });

  it('has its rules kept, if it is given', async () => {
    const check: handleUnaryCall<CheckRequest, object> = (_call, callback) => callback(null, {});
    const service = generated(ValidationServiceDefinition);
    const contract = ValidationServiceDefinition;
    const ask = (options: ImplementGrpcJsOptions) => {
      const channel = createTestChannel({ services: [implementGrpcJs(service, { check }, options)] });
      channels.push(channel);
      return createClient(contract, { channel }).check({ requestId: 'none', item: { name: 'a', quantity: 1n } });
    };
    await ask({});
    const error = await failureOf(ask({ contract }));
    expect(error.message).toMatch('request_id');
    expect(error.code).toBe(Status.INVALID_ARGUMENT);
  });

  it('is refused, if it is that of another service', () => {
    expect(() => connect(unary, { contract: ValidationServiceDefinition })).toThrow(
      'the contract is that of rondo.conformance.v1.ValidationService, and the service is rondo.conformance.v1.ConformanceService',
    );
  });

  it('is not needed, but a method is', () => {
    expect(() => implementGrpcJs({}, {})).toThrow(new TypeError('the service definition has no method'));
  });
});
