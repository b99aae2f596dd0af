import { once } from 'node:events';
import http2, { type OutgoingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  answerOf,
  framed,
  HELLO,
  startUnaryServer,
  statusIn,
  type UnaryServer,
  unknownField,
} from '../../../test/support/unary-server.js';
import { until } from '../../../test/support/wait.js';
import { ManualClock } from '../../exports/testing.js';
import { Status } from '../../status/code.js';
import { UnaryRequest } from './unary-request.js';

const OK = String(Status.OK);

let server: UnaryServer;

beforeEach(async () => {
  server = await startUnaryServer();
});
afterEach(() => server.stop());

describe('requests that are decompressed', () => {
  const body = framed(gzipSync(HELLO), 1);
  const gzip = { 'grpc-encoding': 'gzip' };
  /** Lets the one that was begun first go on. */
  let ends: (() => void)[];

  beforeEach(() => {
    ends = [];
    const { decompress } = UnaryRequest.prototype;
    jest.spyOn(UnaryRequest.prototype, 'decompress').mockImplementation(async function (this: UnaryRequest) {
      await new Promise<void>((resolve) => ends.push(resolve));
      await decompress.call(this);
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
