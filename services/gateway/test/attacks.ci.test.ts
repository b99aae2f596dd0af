/** An attacker with its own connections neither ends the process of the public port nor fails a request of another client. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Attempt, firstOf, open, sending } from '../../../packages/rpc/test/attacks/attempt.js';
import { clients } from '../../../packages/rpc/test/attacks/clients.js';
import { connections } from '../../../packages/rpc/test/attacks/connections.js';
import { floods } from '../../../packages/rpc/test/attacks/floods.js';
import { malformed } from '../../../packages/rpc/test/attacks/malformed.js';
import { requests } from '../../../packages/rpc/test/attacks/requests.js';
import { makeCertificate, noOpenssl } from './support/certificates.js';
import { closeAll } from './support/listening.js';
import { SERVED, startVictim, UNHARMED, type Victim } from './support/victim.js';

const times = <T>(count: number, item: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => item(index));

/** Sends raw text of HTTP/1.1. */
const http1 = (name: string, ...lines: readonly string[]): Attempt =>
  sending(name, Buffer.from(lines.join('\r\n'), 'latin1'));

/** Sends `bytes` without reading, as long as the port accepts them. */
function deaf(name: string, bytes: Buffer): Attempt {
  return [
    name,
    async (target) => {
      const socket = await open(target);
      socket.pause();
      socket.write(bytes);
      await firstOf(socket, ['drain', 'close'], 500);
      socket.destroy();
    },
  ];
}

const POST = 'POST / HTTP/1.1';
const GET = 'GET / HTTP/1.1';
const HOST = 'Host: a';
const CHUNKED = 'Transfer-Encoding: chunked';
const LARGE = 'GET /ServerStream HTTP/1.1';

/** Requests of HTTP/1.1 that are wrong, or meant to confuse. */
const http1Attempts: readonly Attempt[] = [
  http1('a body and no end', POST, HOST, 'Content-Length: 100', '', 'x'),
  http1('a length of a terabyte', POST, HOST, `Content-Length: ${2 ** 40}`, '', 'x'),
  http1('a length beyond numbers', POST, HOST, `Content-Length: ${'9'.repeat(400)}`, '', 'x'),
  http1('a negative length', POST, HOST, 'Content-Length: -1', '', ''),
  http1('chunks of a terabyte', POST, HOST, CHUNKED, '', 'ffffffffff', 'x'),
  http1('chunks beyond numbers', POST, HOST, CHUNKED, '', 'f'.repeat(100), 'x'),
  http1('chunks without end', POST, HOST, CHUNKED, '', ...times(10_000, () => '1\r\nx')),
  http1('chunk extensions', POST, HOST, CHUNKED, '', `1;${'x'.repeat(100_000)}`, 'x'),
  http1('10,000 trailers', POST, HOST, CHUNKED, '', '0', ...times(10_000, (index) => `t${index}: 1`), '', ''),
  http1('both ways of length', POST, HOST, 'Content-Length: 3', CHUNKED, '', '0', '', GET, HOST, '', ''),
  http1('a folded header', GET, HOST, 'X: a', ' b', '', ''),
  http1('a header of NULs', GET, HOST, 'X: \0\0', '', ''),
  http1('a header name with a space', GET, HOST, 'X y: 1', '', ''),
  http1('a lone line feed', `${GET}\n${HOST}\n\n`),
  http1('headers of prototypes', GET, HOST, '__proto__: 1', 'constructor: 2', 'toString: 3', '', ''),
  http1('a million headers', GET, HOST, 'a: b\r\n'.repeat(1_000_000), '', ''),
  http1('a target of 1 MiB', `GET /${'x'.repeat(1 << 20)} HTTP/1.1`, HOST, '', ''),
  http1('a method of 1 MiB', `${'X'.repeat(1 << 20)} / HTTP/1.1`, HOST, '', ''),
  http1('Expect what is unknown', POST, HOST, 'Expect: miracles', 'Content-Length: 1', '', 'x'),
  http1('Upgrade to a web socket', GET, HOST, 'Connection: Upgrade', 'Upgrade: websocket', '', 'x'),
  http1('CONNECT, and more behind it', 'CONNECT a:1 HTTP/1.1', HOST, '', 'x'.repeat(100_000)),
  http1('1,000 requests at once', ...times(1_000, () => [GET, HOST, '', ''].join('\r\n'))),
  http1('1,000 requests and rubbish', ...times(1_000, () => [GET, HOST, '', ''].join('\r\n')), 'rubbish'),
  http1('HTTP/2 behind HTTP/1.1', GET, HOST, '', 'PRI * HTTP/2.0', '', 'SM', '', ''),
  http1('half of the preface of HTTP/2', 'PR'),
  deaf('100 large answers that stay unread', Buffer.from([LARGE, HOST, '', ''].join('\r\n').repeat(100))),
  deaf('10 MiB of requests whose answers stay unread', Buffer.from([GET, HOST, '', ''].join('\r\n').repeat(400_000))),
  [
    '200 connections that trickle',
    async (target) => {
      const sockets = await Promise.all(times(200, () => open(target)));
      for (const socket of sockets) socket.resume().write(`${GET}\r\nX: `);
      for (let count = 0; count < 5; count += 1) {
        for (const socket of sockets) socket.write('x');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      for (const socket of sockets) socket.destroy();
    },
  ],
  [
    '300 connections that are half open',
    async (target) => {
      const sockets = await Promise.all(times(300, () => open(target)));
      for (const socket of sockets) socket.end(`${POST}\r\n${HOST}\r\nContent-Length: 10\r\n\r\nx`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (const socket of sockets) socket.resetAndDestroy();
    },
  ],
  [
    'a gigabyte',
    async (target) => {
      const socket = await open(target);
      socket.resume().write(`${POST}\r\n${HOST}\r\nContent-Length: ${2 ** 30}\r\n\r\n`);
      const part = Buffer.alloc(1 << 20);
      for (let sent = 0; sent < 1_024 && !socket.destroyed && socket.writable; sent += 1) {
        if (!socket.write(part)) await firstOf(socket, ['drain', 'close'], 1_000);
      }
      socket.destroy();
    },
  ],
];

/** Over TLS, a client says which HTTP it speaks before it does. */
const speaking =
  (protocol: string) =>
  ([name, run]: Attempt): Attempt => [
    name,
    ({ tls, ...victim }) => run({ ...victim, ...(tls && { tls: { ...tls, ALPNProtocols: [protocol] } }) }),
  ];

const KINDS: readonly (readonly [kind: string, attempts: readonly Attempt[]])[] = [
  ['connections', connections],
  ['HTTP/1.1', http1Attempts.map(speaking('http/1.1'))],
  ['frames', malformed],
  ['requests', requests],
  ['floods', floods],
  ['clients of HTTP/2', clients],
];

/** With `ATTACKS_TLS=on` all of them are made over TLS, which takes twice as long. `.ci/long` does that. */
const overTls = process.env['ATTACKS_TLS'] === 'on' && noOpenssl === undefined;
if (process.env['ATTACKS_TLS'] === 'on' && !overTls) process.stdout.write(`SKIPPED: attacks over TLS: ${noOpenssl}\n`);

/** What the process may still use after the attacks, and what it may hold of the system, of which OpenSSL keeps 0.4 GB. */
const [USED_BYTES, RESIDENT_BYTES] = [100 * 1024 * 1024, (overTls ? 1024 : 350) * 1024 * 1024];

describe(`the public port ${overTls ? 'over TLS' : 'without TLS'} withstands an attack`, () => {
  let victim: Victim;
  beforeAll(async () => {
    victim = await startVictim(overTls ? makeCertificate('victim') : undefined);
  });
  afterAll(async () => {
    await victim.close();
    await closeAll();
  });
  afterEach(() => expect(victim.state()).toEqual(UNHARMED));

  describe.each(KINDS)('by %s', (_kind, attempts) => {
    it.each(attempts)('%s', async (_name, run) => {
      expect(await victim.during(() => run(victim))).toEqual(SERVED);
    });
  });

  it('which leaves nothing behind', async () => {
    const usage = await victim.usageAfterwards();
    expect(usage.used).toBeLessThan(USED_BYTES);
    expect(usage.resident).toBeLessThan(RESIDENT_BYTES);
  });
});
