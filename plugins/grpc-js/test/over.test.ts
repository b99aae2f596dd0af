import { once } from 'node:events';
import { credentials, type Deadline, InterceptingCall, type Interceptor, propagate, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { ValidationServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/validation';
import { raw } from '@rondo/rpc/call';
import { type Channel, createChannel, staticResolver } from '@rondo/rpc/client';
import { type Handlers, implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createMemoryNetwork, createTestChannel, ManualClock, standIn } from '@rondo/rpc/testing';
import { overRondo } from '../src/exports/index.js';
import type { OverRondoOptions } from '../src/over-rondo.js';
import { answerOf, byGrpcJs, clientOf, metadataOf, readAll, turns } from './fixture.js';

type RondoHandlers = Partial<Handlers<typeof ConformanceServiceDefinition>>;

const channels: Channel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

/** A client of grpc-js, and a server of Rondo. Time stands still. */
function connect(implementation: RondoHandlers, options: OverRondoOptions = {}) {
  const clock = new ManualClock();
  const services = [standIn(ConformanceServiceDefinition, implementation)];
  const channel = createTestChannel({ services, clock, wallClock: clock.wall });
  channels.push(channel);
  const client = clientOf('rondo', overRondo({ channel, ...options }));
  return { client, clock };
}

const tellDeadline: RondoHandlers = {
  unary: (_request, { callerDeadline }) => ({ text: String(callerDeadline?.getTime()) }),
};

describe('a call', () => {
  it.each([
    { given: 'none, as that of a client of Rondo', options: {}, leftMs: 10_000 },
    { given: 'Infinity, as none', options: { deadline: Number.POSITIVE_INFINITY }, leftMs: Number.NaN },
    { given: 'a number', options: { deadline: new ManualClock().now() + 700 }, leftMs: 700 },
    { given: 'a date', options: { deadline: new Date(new ManualClock().now() + 800) }, leftMs: 800 },
  ])('has the deadline that is given: $given', async ({ options, leftMs }) => {
    const { client, clock } = connect(tellDeadline);
    const { reply } = await answerOf((done) => client.unary({}, options, done));
    expect(reply).toMatchObject({ text: Number.isNaN(leftMs) ? 'undefined' : String(clock.now() + leftMs) });
  });

  it('waits for an instance, if its metadata says so', async () => {
    const clock = new ManualClock();
    const resolver = staticResolver(['nowhere']);
    const channel = createChannel({
      resolver,
      transport: createMemoryNetwork().transport,
      clock,
      wallClock: clock.wall,
    });
    channels.push(channel);
    const client = clientOf('rondo', overRondo({ channel }));
    const deadline = clock.now() + 1_000;
    const ask = (waitForReady: boolean) => {
      const metadata = metadataOf({});
      metadata.setOptions({ waitForReady });
      return answerOf((done) => client.unary({}, metadata, { deadline }, done));
    };
    expect((await ask(false)).error?.code).toBe(status.UNAVAILABLE);
    const waiting = ask(true);
    await clock.advance(1_000);
    expect((await waiting).error?.code).toBe(status.DEADLINE_EXCEEDED);
  });

  it('has the deadline and the cancellation of the call in whose handler it is made, if that is named', async () => {
    const { client } = connect({
      ...tellDeadline,
      async *serverStream(_request, { signal }) {
        yield { index: 0 };
        await once(signal, 'abort');
      },
    });
    const deadlines: Deadline[] = [];
    let inner: ReturnType<typeof readAll> | undefined;
    const outer = await byGrpcJs({
      unary(call, callback) {
        deadlines.push(call.getDeadline());
        const options = { parent: call, propagate_flags: Number(call.request.text) };
        client.unary({}, options, (error, reply) => callback(error, Object(reply)));
      },
      serverStream(call) {
        const stream = client.serverStream({}, { parent: call });
        stream.on('data', (reply) => call.write(reply));
        inner = readAll(stream);
      },
    });
    const outside = clientOf(outer.address);
    const deadline = Date.now() + 600_000;
    const ask = async (flags: number) =>
      (await answerOf((done) => outside.unary({ text: `${flags}` }, { deadline }, done))).reply;
    const [inherited, free] = [await ask(propagate.DEADLINE), await ask(propagate.CANCELLATION)];
    expect(inherited).toMatchObject({ text: String(deadlines[0]) });
    expect(free).toMatchObject({ text: String(new ManualClock().now() + 10_000) });
    const stream = outside.serverStream({});
    stream.on('data', () => stream.cancel());
    expect((await readAll(stream)).end.code).toBe(status.CANCELLED);
    expect((await inner)?.end).toMatchObject({ code: status.CANCELLED, details: 'Cancelled by parent call' });
    outside.close();
    await outer.close();
  });

  it.each([
    { what: 'host', options: { host: 'a' }, refused: 'the option host' },
    {
      what: 'credentials',
      options: { credentials: credentials.createFromMetadataGenerator(() => undefined) },
      refused: 'the option credentials',
    },
    {
      what: 'interceptors',
      options: { interceptors: [(given, next) => new InterceptingCall(next(given))] satisfies Interceptor[] },
      refused: 'interceptors of a call',
    },
  ])('with $what of its own is refused', ({ options, refused }) => {
    const { client } = connect(tellDeadline);
    expect(() => client.unary({}, options, () => undefined)).toThrow(refused);
  });

  it('fails if its request cannot be encoded, or its reply cannot be decoded', async () => {
    const { unary } = ConformanceServiceDefinition.methods;
    const encoded = { ...ConformanceServiceDefinition, methods: { unary: raw(unary) } };
    const channel = createTestChannel({ services: [implement(encoded, { unary: () => new Uint8Array([255]) })] });
    channels.push(channel);
    const client = clientOf('rondo', overRondo({ channel }));
    const unsendable = await answerOf((done) => client.unary({ behaviour: 'none' }, done));
    expect(unsendable.error?.code).toBe(status.INTERNAL);
    expect(unsendable.error?.details).toMatch(/^Request message serialization failure: .*behaviour/);
    const unreadable = await answerOf((done) => client.unary({}, done));
    expect(unreadable.error?.code).toBe(status.INTERNAL);
    expect(unreadable.error?.details).toMatch(/^Response message parsing error: /);
  });

  it('goes through the interceptors that are given', async () => {
    const seen: unknown[] = [];
    const interceptor: Interceptor = (options, next) =>
      new InterceptingCall(next(options), {
        start(metadata, _listener, start) {
          metadata.set('tenant', 'a');
          start(metadata, { onReceiveMessage: (message, tell) => tell({ text: `${message.text}?` }) });
        },
        sendMessage(message, send) {
          seen.push(message);
          send({ ...message, text: `${message.text}!` });
        },
      });
    const { client } = connect(
      { unary: ({ text }, { metadata }) => ({ text: `${text} ${metadata.get('tenant')}` }) },
      { interceptors: [interceptor] },
    );
    const { reply } = await answerOf((done) => client.unary({ text: 'b' }, done));
    expect(reply).toMatchObject({ text: 'b! a?' });
    expect(seen).toEqual([{ text: 'b' }]);
  });
});

describe('a stream', () => {
  it('of replies is read as far as the client reads', async () => {
    let sent = 0;
    const { client } = connect({
      async *serverStream() {
        for (sent = 1; sent < 1_000; sent += 1) yield { index: sent };
      },
    });
    const call = client.serverStream({});
    call.on('error', () => undefined);
    let read = 0;
    for await (const { index } of call) {
      read += 1;
      expect(index).toBe(read);
      await turns();
      expect(sent - read).toBeLessThan(40);
      if (read === 100) break;
    }
    call.cancel();
  });

  it('of requests is written as far as the server reads, and then ends with the call', async () => {
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { client } = connect({
      async clientStream(requests) {
        for await (const { text } of requests) {
          await answered;
          return { texts: [text] };
        }
        return {};
      },
    });
    const written: Promise<unknown>[] = [];
    let taken = 0;
    const outcome = answerOf((done) => {
      const call = client.clientStream(done);
      for (let count = 0; count < 100; count += 1) {
        written.push(
          new Promise((resolve) => {
            call.write({ text: `${count}` }, (error: unknown) => {
              if (!error) taken += 1;
              resolve(error);
            });
          }),
        );
      }
      return call;
    });
    await turns();
    expect(taken).toBeLessThan(10);
    answer();
    expect((await outcome).reply).toEqual({ texts: ['0'] });
    expect(await Promise.all(written)).toHaveLength(100);
  });

  it('that nobody reads ends at its deadline once it is read', async () => {
    const { client, clock } = connect({
      async *serverStream(_request, { signal }) {
        yield { index: 1 };
        await once(signal, 'abort');
      },
    });
    const call = client.serverStream({}, { deadline: clock.now() + 1_000 });
    await once(call, 'metadata');
    await clock.advance(1_000);
    const { messages, end } = await readAll(call);
    expect([messages.length, end.code]).toEqual([1, status.DEADLINE_EXCEEDED]);
  });
});

describe('the contract', () => {
  const follow: RondoHandlers = {
    async *follow({ count, resumeToken, breakAfter }) {
      const from = Number(resumeToken);
      for (let index = from; index < count; index += 1) {
        if (index === from + breakAfter) throw new RpcError(Status.UNAVAILABLE, 'this instance is shutting down');
        yield { index, resumeToken: `${index + 1}` };
      }
    },
  };

  it('resumes streams, if it is given', async () => {
    const request = { count: 4, breakAfter: 2 };
    const without = await readAll(connect(follow).client.follow(request));
    expect([without.messages.length, without.end.code]).toEqual([2, status.UNAVAILABLE]);
    const { client, clock } = connect(follow, { contract: ConformanceServiceDefinition });
    const reading = readAll(client.follow(request));
    const waiting = setInterval(() => void clock.advance(1_000), 5);
    const { messages, end } = await reading;
    clearInterval(waiting);
    expect([messages.map(({ index = 0 }) => index), end.code]).toEqual([[0, 1, 2, 3], status.OK]);
  });

  it('limits the time of a call, if it is given', async () => {
    const { client, clock } = connect(tellDeadline, { contract: ConformanceServiceDefinition });
    const { reply } = await answerOf((done) => client.unary({}, done));
    expect(reply).toMatchObject({ text: String(clock.now() + 5_000) });
  });

  it('must have the method', () => {
    const { client } = connect(tellDeadline, { contract: ValidationServiceDefinition });
    expect(() => client.unary({}, () => undefined)).toThrow(
      '/rondo.conformance.v1.ConformanceService/Unary is not in the contract rondo.conformance.v1.ValidationService',
    );
  });
});

describe('a client', () => {
  it('is ready at once, and makes no call once it is closed', async () => {
    const { client } = connect(tellDeadline);
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 60_000, (error) => (error ? reject(error) : resolve()));
    });
    client.close();
    expect(() => client.unary({}, () => undefined)).toThrow('Channel has been shut down');
    const closed = new Promise((resolve) => client.waitForReady(Date.now() + 60_000, resolve));
    expect(await closed).toEqual(new Error('The channel has been closed'));
  });
});
