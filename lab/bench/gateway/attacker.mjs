// Attacks on the gateway's port that go on until they are told to stop, as a worker.
import http2 from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { answerParent } from '@rondo/harness';
import { attackCommands } from '../attacks/beside.mjs';

const HOST = 'Host: localhost';
const JSON_TYPE = 'Content-Type: application/json';
const MIB = 1024 * 1024;

/** Sends raw bytes, part by part as they are read, and waits for the end of the connection. */
async function send(port, parts) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => socket.destroy()).resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const part of parts) {
    if (socket.destroyed) return;
    if (!socket.write(part)) await Promise.race([closed, new Promise((resolve) => socket.once('drain', resolve))]);
  }
  await Promise.race([closed, sleep(2_000)]);
  socket.destroy();
}

const post = (path, body, ...headers) => [
  Buffer.from(
    [`POST ${path} HTTP/1.1`, HOST, JSON_TYPE, `Content-Length: ${body.length}`, ...headers, '', ''].join('\r\n'),
  ),
  body,
];

function* repeated(first, part, count) {
  yield first;
  for (let index = 0; index < count; index += 1) yield part;
}

/** A body of the call of `POST /add` that is 3.5 MiB long. */
const json = (piece, [before, after] = ['{"a":', '}']) => {
  const count = Math.floor((3.5 * MIB) / piece.length);
  return Buffer.from(before + piece.repeat(count) + after);
};

const million = Buffer.from(`{${Array.from({ length: 200_000 }, (_, index) => `"k${index}":1`).join(',')}}`);
const deep = json('[');
const digits = json('9');
const bomb = gzipSync(Buffer.alloc(1024 * MIB, ' '));
const headers = Buffer.from('a: b\r\n'.repeat(10_000));

/** By name: one round of the attack. */
const ATTACKS = {
  'nothing at all': () => sleep(100),
  slowloris: async (port) => {
    const sockets = Array.from({ length: 400 }, () => connect({ port, host: '127.0.0.1' }));
    for (const socket of sockets)
      socket
        .on('error', () => socket.destroy())
        .resume()
        .write('POST /add HTTP/1.1\r\nX: ');
    for (let count = 0; count < 40; count += 1) {
      await sleep(50);
      for (const socket of sockets) if (!socket.destroyed) socket.write('x');
    }
    for (const socket of sockets) socket.destroy();
  },
  'bodies of 1 GiB': (port) => {
    const head = Buffer.from(
      ['POST /add HTTP/1.1', HOST, JSON_TYPE, 'Transfer-Encoding: chunked', '', ''].join('\r\n'),
    );
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB, ' '), Buffer.from('\r\n')]);
    return send(port, repeated(head, chunk, 1_024));
  },
  'a million headers': (port) => send(port, repeated(Buffer.from(`GET / HTTP/1.1\r\n${HOST}\r\n`), headers, 100)),
  'a million headers by HTTP/2': async (port) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on('error', () => session.destroy());
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`x-${index}`, 'v'.repeat(80)]));
    const requests = Array.from({ length: 100 }, () => {
      const stream = session.request({ ':path': '/add', ':method': 'POST', ...many });
      stream.on('error', () => undefined).resume();
      return new Promise((resolve) => stream.once('close', resolve));
    });
    await Promise.race([Promise.all(requests), sleep(2_000)]);
    session.destroy();
  },
  'gzip of 1 GiB': (port) => send(port, post('/add', bomb, 'Content-Encoding: gzip')),
  'JSON with 1.8 million levels': (port) => send(port, post('/add', deep)),
  'JSON with a number of 3.5 million digits': (port) => send(port, post('/add', digits)),
  'JSON with 200,000 keys': (port) => send(port, post('/add', million)),
};

answerParent(attackCommands(ATTACKS));
