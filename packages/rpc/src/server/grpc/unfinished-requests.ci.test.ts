/** What requests that don't come whole may hold, and for how long, whether grpc-js reads them or not. */
import { once } from 'node:events';
import http2, { type IncomingHttpHeaders } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  answerOf,
  framed,
  HELLO,
  PATH,
  startUnaryServer,
  statusIn,
  type UnaryServer,
  unknownField,
} from '../../../test/support/unary-server.js';
import { until } from '../../../test/support/wait.js';
import { Status } from '../../status/code.js';
import { ManualClock } from '../../testing/manual-clock.js';

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

  it('have a bound for each connection, and keep no other connection from it', async () => {
    await server.stop();
    server = await startUnaryServer({ maxRequestBytes: 512 });
    const first = await beginTooMany();
    expect(first.refusals).toHaveLength(1);
    const [refusal = {}] = first.refusals;
    expect(statusIn(refusal)).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    expect(statusIn(refusal).message).toContain('send fewer at once');
    expect(refusal).toHaveProperty('rondo-not-handled', PATH);
    const other = http2.connect(`http://${server.server.address}`);
    const stream = other.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
    stream.end(framed(Buffer.concat([HELLO, unknownField(400)])));
    expect((await answerOf(stream)).trailer).toMatchObject({ 'grpc-status': OK });
    other.destroy();
    for (const each of first.streams) each.destroy();
    // What they held is free again: the next 63 find room, and the 64th doesn't.
    expect((await beginTooMany()).refusals).toHaveLength(1);
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
    const [refusal = {}] = refusals;
    expect(statusIn(refusal)).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    expect(refusal).toHaveProperty('rondo-not-handled', path);
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
