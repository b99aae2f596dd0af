import { constants, type ServerHttp2Stream } from 'node:http2';
import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { closersOfATest } from '../../../test/support/closers.js';
import { answerWithStatus, startRawServer } from '../../../test/support/http2-server.js';
import { failure } from '../../../test/support/outcome.js';
import { deferred, until } from '../../../test/support/wait.js';
import { wireCall } from '../../../test/support/wire-call.js';
import { CallContext } from '../../call/call-context.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { peerTransport } from '../peer-connection.js';

const closers = closersOfATest();

/** A call that the server has received. */
async function callInFlight() {
  const received = deferred<ServerHttp2Stream>();
  const server = await startRawServer((stream) => received.resolve(stream));
  closers.push(() => server.close());
  const clock = new ManualClock();
  const transport = peerTransport(server.address, { clock });
  closers.push(() => transport.close());
  await transport.connect();
  const idle = clock.timers;
  const caller = new AbortController();
  const deadline = clock.now() + 1_000;
  const call = failure(transport.call(wireCall({ context: new CallContext({ parents: [caller.signal] }), deadline })));
  return { stream: await received.promise, clock, idle, caller, call };
}

const expired = () => new RpcError(Status.DEADLINE_EXCEEDED, 'too late');

describe('a call at its deadline', () => {
  it('is ended by the server, which knows the deadline', async () => {
    const { stream, clock, idle, caller, call } = await callInFlight();
    caller.abort(expired());
    await clock.advance(149);
    expect(stream.closed).toBe(false);
    answerWithStatus(stream, Status.DEADLINE_EXCEEDED, 'by the server');
    expect(await call).toMatchObject({ code: Status.DEADLINE_EXCEEDED, message: 'by the server' });
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    expect(clock.timers).toBe(idle);
  });

  it('is reset if the server does not end it soon', async () => {
    const { stream, clock, caller, call } = await callInFlight();
    caller.abort(expired());
    await clock.advance(150);
    await until(() => stream.closed);
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    await call;
  });
});

describe('a call whose caller cancels', () => {
  it('is reset at once', async () => {
    const { stream, caller, call } = await callInFlight();
    caller.abort();
    await until(() => stream.closed);
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    await call;
  });

  it.each([false, true])('is reset if the caller cancelled before it began; a stream: %s', async (responseStream) => {
    const server = await startRawServer(() => undefined);
    closers.push(() => server.close());
    const transport = peerTransport(server.address);
    closers.push(() => transport.close());
    await transport.connect();
    const context = new CallContext({ parents: [AbortSignal.abort()] });
    const error = await failure(transport.call(wireCall({ context, responseStream })));
    expect(error.message).toContain('the caller left');
  });
});
