import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { expect, it } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { systemClock as clock } from '@rondo/rpc/clock';
import { certify, createFolder, newAuthority } from '../../../packages/rpc/test/support/identities.js';
import { until } from '../../../packages/rpc/test/support/wait.js';
import { natsBroker } from '../src/broker.js';
import { eventOf, optionsOf } from '../src/event.js';
import { parseNats } from '../src/location.js';

it.each([
  ['nats://user@h', 'give nats://HOST:PORT, such as nats://10.0.0.7:4222'],
  ['nats://u:50%@h', 'the login has a % that begins no character; write it as %25'],
  ['nats://u:p@h?token-file=x', 'the login is given twice; give one of USER:PASSWORD@, creds-file and token-file'],
  ['nats://h:0', 'h:0 is no HOST:PORT'],
  ['nats://h/a.b', 'a.b is no prefix of streams; give 1 to 64 characters of a-z A-Z 0-9 _'],
  ['nats://h?replicas=2', 'replicas is 2; give 1, 3 or 5 servers that keep each event'],
  ['nats://h?max-bytes=1GiB', 'max-bytes is 1GiB; give a number of bytes, such as 1073741824'],
  ['nats://h?tls=yes', 'tls is yes; give on or off'],
  [
    'nats://10.0.0.7?tls=on',
    '10.0.0.7 is an address, and with tls=on a certificate is compared with a name; give the name of the server',
  ],
  ['nats://h?ca-file=x', 'ca-file has no effect without TLS; give tls=on, too'],
  [
    'nats://h?creds=x',
    'creds is neither tls, replicas, max-bytes, ca-file, cert-file, key-file, creds-file, token-file nor',
  ],
])('%s is refused', (url, text) => {
  expect(() => natsBroker(url, { clock })).toThrow(`RONDO_TOPICS: ${text}`);
});

it('a file that is missing is named once NATS is connected to', async () => {
  const broker = natsBroker('nats://127.0.0.1:1?creds-file=/nowhere/creds', { clock });
  await expect(broker.open('t.v1.T', { retentionMs: 1_000, groups: [] })).rejects.toThrow('/nowhere/creds');
  await broker.close();
});

it('a message whose headers are not those of an event is none', () => {
  const sent = { id: '1', topic: 't', key: 'ä', event: new Uint8Array(), traceparent: '', time: new Date(7) };
  const message = (name: string, value: string) => {
    const { headers } = optionsOf(sent);
    headers?.set('Nats-Msg-Id', '1');
    headers?.set(name, value);
    return { data: sent.event, headers };
  };
  expect(eventOf('t', message('Rondo-Trace', ''))).toEqual(sent);
  const faults = [
    ['Rondo-Key', '%'],
    ['Rondo-Key', '%00'],
    ['Nats-Msg-Id', 'x'.repeat(200)],
    ['Rondo-Time', '-100000-01-01'],
  ];
  for (const [name = '', value = ''] of faults) expect(eventOf('t', message(name, value))).toBeUndefined();
  const broken = {
    data: sent.event,
    get headers(): never {
      throw new TypeError('a header is none');
    },
  };
  expect(eventOf('t', broken)).toBeUndefined();
});

/** A server of NATS, as far as a client has to connect: what each connection shows. */
async function startServer(pair: { readonly cert: string; readonly key: string }) {
  const shown: string[] = [];
  const open = new Set<TLSSocket>();
  const server = createServer((socket) => {
    const info = {
      server_id: 'N',
      version: '2.12.0',
      proto: 1,
      headers: true,
      max_payload: 2 ** 20,
      tls_required: true,
    };
    socket.on('error', () => undefined).write(`INFO ${JSON.stringify(info)}\r\n`);
    const secured = new TLSSocket(socket, { ...pair, isServer: true, requestCert: true, rejectUnauthorized: false });
    open.add(secured.on('error', () => undefined));
    secured.on('data', (data) => {
      const [, token] = /"auth_token":"(\w+)"/.exec(String(data)) ?? [];
      if (token !== undefined) shown.push(`${token} ${secured.getPeerCertificate().fingerprint256}`);
      secured.write('PONG\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const end = () => {
    for (const socket of open) socket.destroy();
    open.clear();
  };
  return { shown, end, server, port: (server.address() as AddressInfo).port };
}

it('a connection that is made again shows the certificate and the token that the files have now', async () => {
  const [authority, folder] = [await newAuthority(), createFolder()];
  const { shown, end, server, port } = await startServer(await certify(authority, 'nats'));
  const file = (name: string) => join(folder.path, name);
  const write = async (token: string) => {
    const pair = await certify(authority, 'shop');
    folder.write({ ...pair, ca: authority.cert });
    writeFileSync(file('token'), `${token}\n`);
    return `${token} ${new X509Certificate(pair.cert).fingerprint256}`;
  };
  const keys = {
    tls: 'on',
    'ca-file': file('ca.crt'),
    'cert-file': file('tls.crt'),
    'key-file': file('tls.key'),
    'token-file': file('token'),
  };
  const { options } = parseNats(`nats://localhost:${port}?${new URLSearchParams(keys)}`);
  const first = await write('one');
  const connection = await connect({ ...options(), reconnectTimeWait: 1, reconnectJitterTLS: 1 });
  expect(shown).toEqual([first]);
  const second = await write('two');
  end();
  await until(() => shown.length > 1);
  expect(shown).toEqual([first, second]);
  await connection.close();
  server.close();
  end();
});
