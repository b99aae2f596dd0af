/** The public port keeps nothing of a connection that has ended. */

import http from 'node:http';
import http2 from 'node:http2';
import { afterEach, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { until } from '../../../packages/rpc/test/support/wait.js';
import { echo, echoStream } from './support/handlers.js';
import { ask1, ask2, closeAll, connect2, connectRaw, listening, logged } from './support/listening.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

it('keeps no timer of connections that have ended, however they ended', async () => {
  const clock = new ManualClock();
  const { port, listener } = await listening({
    clock,
    handler: (exchange) => {
      if (exchange.path === '/echo') echo(exchange);
      else void echoStream(exchange);
    },
  });
  const idle = clock.timers;
  const asked = { method: 'POST', path: '/echo', body: 'x' };
  const session = await connect2(`http://127.0.0.1:${port}`);
  for (let count = 0; count < 20; count += 1) {
    await ask1(port, { ...asked, agent: new http.Agent() });
    await ask2(session, asked);
    const stream = session.request({ ':method': 'POST', ':path': '/' }).on('error', () => undefined);
    stream.write('x');
    await new Promise((resolve) => stream.once('data', resolve));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    const socket = await connectRaw(port);
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx');
    await new Promise((resolve) => socket.once('data', resolve));
    if (count % 2 === 0) socket.resetAndDestroy();
    else socket.end();
  }
  session.destroy();
  await until(() => listener.connections === 0);
  // The timer of the deadlines ends with its next tick, since none is left.
  await clock.advance(1_000);
  expect(clock.timers).toBe(idle);
});
