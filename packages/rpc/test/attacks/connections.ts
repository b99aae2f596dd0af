import { connect as connectTls } from 'node:tls';
import { seededRandom } from '../../src/exports/testing.js';
import { type Attempt, firstOf, open, send, sending } from './attempt.js';
import { BEGIN, call, headersFrame, PREFACE, pathOf, requestTo, TYPE } from './frames.js';

/** Random bytes, the same in each run. */
const chance = Buffer.from(seededRandom(1).hex(64 * 1024), 'hex');

/** Connections that aren't HTTP/2, or not for long. */
export const connections: readonly Attempt[] = [
  ['a connection that closes at once', async (victim) => (await open(victim)).destroy()],
  ['a connection that is reset at once', async (victim) => (await open(victim)).resetAndDestroy()],
  [
    'a connection that ends its side at once',
    async (victim) => firstOf((await open(victim)).resume().end(), ['close']),
  ],
  sending('HTTP/1.1: GET', Buffer.from('GET / HTTP/1.1\r\nHost: victim\r\n\r\n')),
  sending(
    'HTTP/1.1: an upgrade to h2c',
    Buffer.from(
      'GET / HTTP/1.1\r\nHost: v\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n',
    ),
  ),
  sending('HTTP/1.1: a header of 1 MiB', Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(1 << 20)}\r\n\r\n`)),
  sending('SSH', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n')),
  sending('chance', chance),
  [
    'TLS',
    async ({ port }) => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      socket.on('error', () => socket.destroy());
      await firstOf(socket, ['close', 'secureConnect']);
      socket.destroy();
    },
  ],
  sending('the preface and nothing else', PREFACE),
  sending('the preface and chance', PREFACE, chance),
  sending('a request before the settings', PREFACE, headersFrame(requestTo(pathOf('Unary')))),
  sending('half a frame', BEGIN, Buffer.from([0, 0, 9, TYPE.HEADERS])),
  [
    'a request byte by byte, and the end amid it',
    async (victim) => {
      const socket = await open(victim);
      socket.setNoDelay();
      for (const byte of Buffer.concat([BEGIN, call()]).subarray(0, -3)) {
        if (!socket.write(Buffer.from([byte]))) await firstOf(socket, ['drain', 'close']);
      }
      socket.end();
      await firstOf(socket.resume(), ['close']);
    },
  ],
  [
    '100 connections that stay silent',
    async (victim) => {
      const sockets = await Promise.all(Array.from({ length: 100 }, () => open(victim)));
      for (const socket of sockets) socket.write(PREFACE);
      await send(victim, BEGIN);
      for (const socket of sockets) socket.destroy();
    },
  ],
  [
    '200 connections that are reset amid a request',
    async (victim) => {
      const sockets = await Promise.all(Array.from({ length: 200 }, () => open(victim)));
      for (const socket of sockets) {
        socket.write(Buffer.concat([BEGIN, headersFrame(requestTo(pathOf('BidiStream')))]), () =>
          socket.resetAndDestroy(),
        );
      }
      await Promise.all(sockets.map((socket) => firstOf(socket, ['close'])));
    },
  ],
];
