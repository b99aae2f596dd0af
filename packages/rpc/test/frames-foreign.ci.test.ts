/** A proxy between client and server that passes on HTTP/2 and no frames. */
import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from '@jest/globals';
import { ManualClock } from '../src/exports/testing.js';
import { PREFACE } from '../src/transport/frames/frames.js';
import { socketsOfATest } from './support/sockets.js';
import { until } from './support/wait.js';
import { type Way, wayOf } from './support/ways.js';

const { closers, startServer, connectTo } = socketsOfATest();

/** Starts it. `onFrames` runs for each connection that begins with frames. */
async function startProxy(port: number, onFrames: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    closers.push(() => socket.destroy());
    socket
      .on('error', () => undefined)
      .once('data', (first: Buffer) => {
        if (first[0] === PREFACE[0]) return onFrames(socket);
        const onward = connect({ port, host: '127.0.0.1' }).on('error', () => socket.destroy());
        closers.push(() => onward.destroy());
        onward.write(first);
        socket.pipe(onward).pipe(socket);
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => void server.close());
  const bound = server.address();
  return `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
}

it('calls go on by gRPC while a peer that has answered otherwise is asked for frames again', async () => {
  const ways: Way[] = [];
  const { port } = await startServer({
    unary(_request, { metadata }) {
      ways.push(wayOf(metadata));
      return {};
    },
  });
  let asked = 0;
  const address = await startProxy(port, (socket) => {
    asked += 1;
    // The second time it is silent.
    if (asked === 1) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  const clock = new ManualClock();
  const { client } = connectTo([address], { clock, known: { frames: true } });
  await client.unary({}, { waitForReady: true });
  await clock.advance(600_000);
  await until(() => asked === 2);
  for (let left = 3; left > 0; left -= 1) await client.unary({});
  expect(ways).toEqual(['grpc', 'grpc', 'grpc', 'grpc']);
});
