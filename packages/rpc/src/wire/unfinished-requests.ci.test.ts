/** What unary requests may hold, and for how long: those that don't come whole, and those that are decompressed. */
import { once } from 'node:events';
import http2, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import {
  answerOf,
  framed,
  HELLO,
  PATH,
  startUnaryServer,
  statusIn,
  type UnaryServer,
  unknownField,
} from '../../test/support/unary-server.js';
import { until } from '../../test/support/wait.js';
import { Status } from '../status/code.js';
import { GrpcCall } from './grpc-call.js';

const OK = String(Status.OK);

let server: UnaryServer;

beforeEach(async () => {
  server = await startUnaryServer();
});
afterEach(() => server.stop());

/** Begins 64 requests of 512 bytes, each without its last byte, and tells which were refused once the server has read them. */
async function beginTooMany(path = PATH) {
  const large = framed(Buffer.alloc(512)).subarray(0, -1);
  const streams = Array.from({ length: 64 }, () => server.begin({ ':path': path }));
  const refusals: IncomingHttpHeaders[] = [];
  for (const stream of streams) {
    stream.once('response', (header) => refusals.push(header));
    stream.resume().write(large);
  }
  await server.call();
  return { streams, refusals };
}

describe('requests that do not come whole', () => {
  const half = framed(HELLO).subarray(0, 7);

  async function startBy(clock: ManualClock) {
    await server.stop();
    server = await startUnaryServer({ clock });
  }

  it.each([
    ['that sets no deadline', {}],
    ['whatever later deadline its caller sets', { 'grpc-timeout': '99999999H' }],
  ])("end at the contract's deadline, for a call %s", async (_what, headers) => {
    const clock = new ManualClock();
    await startBy(clock);
    const stream = server.begin(headers);
    stream.write(half);
    const answer = answerOf(stream);
    // The server has read it once it has answered a later call.
    await server.call();
    await clock.advance(4_999);
    expect(stream.closed).toBe(false);
    await clock.advance(1);
    const { header } = await answer;
    expect(statusIn(header).code).toBe(Status.DEADLINE_EXCEEDED);
    expect(header['rondo-not-handled']).toBe(PATH);
    // Its client never ends the request.
    await until(() => stream.closed);
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_NO_ERROR);
  });

  it("leave the handler what is left of the contract's deadline", async () => {
    const clock = new ManualClock();
    await startBy(clock);
    const stream = server.begin({ 'grpc-timeout': '9S' });
    stream.write(half);
    const answer = answerOf(stream);
    // The server has read it once it has answered a later call.
    await server.call();
    await clock.advance(4_900);
    server.handle = ({ signal }) => once(signal, 'abort').then(() => undefined);
    stream.end(framed(HELLO).subarray(half.length));
    await until(() => server.calls.length === 2);
    await clock.advance(100);
    const { header } = await answer;
    expect(statusIn(header).code).toBe(Status.DEADLINE_EXCEEDED);
  });

  it.each([{}, { 'grpc-timeout': '1S' }])('leave no timer behind if their client resets them: %j', async (headers) => {
    const clock = new ManualClock();
    await startBy(clock);
    await server.call();
    const timers = clock.timers;
    const stream = server.begin(headers);
    stream.write(half);
    await until(() => clock.timers > timers);
    // It resets the stream; `close` would end the request first.
    stream.destroy();
    await until(() => clock.timers === timers);
    expect(server.calls).toHaveLength(1);
  });

  it.each([{}, { 'grpc-timeout': '1H' }])('end after five minutes without an earlier deadline: %j', async (headers) => {
    const clock = new ManualClock();
    await startBy(clock);
    const stream = server.begin({ ':path': `${PATH}Unsafe`, ...headers });
    stream.write(half);
    const answer = answerOf(stream);
    // The connection isn't taken for broken meanwhile.
    for (let seconds = 0; seconds < 300; seconds += 10) {
      await server.call();
      expect(stream.closed).toBe(false);
      await clock.advance(10_000);
    }
    expect(statusIn((await answer).header)).toEqual({
      code: Status.DEADLINE_EXCEEDED,
      message: "the request didn't come whole in 5 minutes; send it at once",
    });
  });

  it('have a bound for each client, and make room for a request that comes whole', async () => {
    await server.stop();
    server = await startUnaryServer({ maxRequestBytes: 512 });
    const first = await beginTooMany();
    expect(first.refusals).toHaveLength(1);
    const [refusal = {}] = first.refusals;
    expect(statusIn(refusal)).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    expect(statusIn(refusal).message).toContain('send fewer at once');
    expect(refusal).toHaveProperty('rondo-not-handled', PATH);
    for (const each of first.streams) each.destroy();
    await server.call();
    // What they held is free again: the next 63 find room, and the 64th doesn't.
    const second = await beginTooMany();
    expect(second.refusals).toHaveLength(1);
    const other = http2.connect(`http://${server.server.address}`);
    const stream = other.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
    stream.end(framed(Buffer.concat([HELLO, unknownField(400)])));
    expect((await answerOf(stream)).trailer).toMatchObject({ 'grpc-status': OK });
    other.destroy();
    // The connection that held most made room.
    await until(() => second.streams.every((each) => each.closed));
  });

  it('end with UNAVAILABLE when a drain has waited for them, and are known not to have been handled', async () => {
    const stream = server.begin();
    stream.write(half);
    const answer = answerOf(stream);
    // The server has read it once it has answered a later call.
    await server.call();
    const drained = server.server.drain(50);
    const { header } = await answer;
    expect(statusIn(header)).toMatchObject({ code: Status.UNAVAILABLE });
    expect(header['rondo-not-handled']).toBe(PATH);
    await drained;
  });
});

describe('requests of streaming methods that do not come whole', () => {
  const service = '/rondo.conformance.v1.ConformanceService';

  it.each(['ServerStream', 'ClientStream', 'BidiStream'])('have the same bound: %s', async (method) => {
    await server.stop();
    server = await startUnaryServer({ maxRequestBytes: 512 });
    const path = `${service}/${method}`;
    const { streams, refusals } = await beginTooMany(path);
    await until(() => refusals.length > 0);
    const [refusal = {}] = refusals;
    expect(statusIn(refusal)).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    // The handler of a stream of requests runs already.
    expect(refusal['rondo-not-handled']).toBe(method === 'ServerStream' ? path : undefined);
    for (const each of streams) each.destroy();
    // The server has read it once it has answered a later call.
    await server.call();
    expect((await beginTooMany(path)).refusals.length).toBeLessThan(64);
  });

  it('end after five minutes if the method takes one', async () => {
    const clock = new ManualClock();
    await server.stop();
    server = await startUnaryServer({ clock });
    const stream = server.begin({ ':path': `${service}/ServerStream` });
    stream.write(framed(HELLO).subarray(0, 7));
    const answer = answerOf(stream);
    // The connection isn't taken for broken meanwhile.
    for (let seconds = 0; seconds < 300; seconds += 10) {
      await server.call();
      expect(stream.closed).toBe(false);
      await clock.advance(10_000);
    }
    const { header } = await answer;
    expect(statusIn(header).code).toBe(Status.DEADLINE_EXCEEDED);
  });
});

describe('requests that are decompressed', () => {
  const body = framed(gzipSync(HELLO), 1);
  const gzip = { 'grpc-encoding': 'gzip' };
  /** Lets the one that was begun first go on. */
  let ends: (() => void)[];

  beforeEach(() => {
    ends = [];
    const { inflate } = GrpcCall.prototype;
    jest.spyOn(GrpcCall.prototype, 'inflate').mockImplementation(async function (this: GrpcCall, data: Buffer) {
      await new Promise<void>((resolve) => ends.push(resolve));
      return inflate.call(this, data);
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('are two at once, in the order in which they came', async () => {
    const answers = [1, 2, 3].map(() => server.call(gzip, body));
    expect((await server.call()).trailer).toMatchObject({ 'grpc-status': OK });
    expect(ends).toHaveLength(2);
    ends[1]?.();
    expect((await answers[1])?.trailer).toMatchObject({ 'grpc-status': OK });
    expect(ends).toHaveLength(3);
    for (const end of ends) end();
    await expect(Promise.all(answers)).resolves.toHaveLength(3);
  });

  it('are none of those whose clients left before their turn', async () => {
    const answers = [1, 2].map(() => server.call(gzip, body));
    const left = [3, 4].map(() => server.begin(gzip));
    for (const stream of left) stream.end(body);
    expect((await server.call()).trailer).toMatchObject({ 'grpc-status': OK });
    for (const stream of left) stream.close(http2.constants.NGHTTP2_CANCEL);
    expect((await server.call()).trailer).toMatchObject({ 'grpc-status': OK });
    for (const end of ends) end();
    await Promise.all(answers);
    const last = server.call(gzip, body);
    await until(() => ends.length > 2);
    expect(ends).toHaveLength(3);
    ends[2]?.();
    expect((await last).trailer).toMatchObject({ 'grpc-status': OK });
  });
});

describe('a unary call that ends while its request is decompressed', () => {
  const LONG_BYTES = 16 * 1024 * 1024;
  /** zlib takes a turn of the event loop for each 16 KiB: a thousand, of which what a client does meanwhile takes a few. */
  const slow = framed(gzipSync(Buffer.concat([HELLO, unknownField(LONG_BYTES)])), 1);
  const gzip = { 'grpc-encoding': 'gzip' };
  let clock: ManualClock;

  beforeEach(async () => {
    await server.stop();
    clock = new ManualClock();
    server = await startUnaryServer({ clock, maxRequestBytes: 2 * LONG_BYTES });
  });

  /** A call whose request the server has read. */
  async function sent(headers: OutgoingHttpHeaders) {
    if (server.session.connecting) await once(server.session, 'connect');
    const stream = server.begin({ ...gzip, ...headers });
    stream.end(slow);
    await once(stream, 'finish');
    await new Promise((resolve) => server.session.ping(resolve));
    expect(server.routed).toBe(0);
    return stream;
  }

  /** Waits until a call that was sent before would have begun. */
  async function outlast(): Promise<void> {
    expect((await server.call(gzip, slow)).trailer).toMatchObject({ 'grpc-status': OK });
  }

  it('does not begin if its client resets it', async () => {
    const stream = await sent({});
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await outlast();
    expect([server.routed, server.calls.length]).toEqual([1, 1]);
  });

  it('does not begin if its deadline passes', async () => {
    const stream = await sent({ 'grpc-timeout': '1S' });
    const answered = answerOf(stream);
    await clock.advance(1_000);
    expect(statusIn((await answered).header)).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    await outlast();
    expect([server.routed, server.calls.length]).toEqual([1, 1]);
  });

  it('has no timer left if its request turns out to be broken', async () => {
    await server.call();
    const { timers } = clock;
    const { header } = await server.call({ ...gzip, 'grpc-timeout': '1S' }, framed(gzipSync(HELLO).subarray(0, -9), 1));
    expect(statusIn(header)).toMatchObject({ code: Status.INTERNAL });
    expect(clock.timers).toBe(timers);
  });
});
