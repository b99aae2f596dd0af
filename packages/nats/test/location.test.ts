import { expect, it } from '@jest/globals';
import { systemClock as clock } from '@rondo/rpc/clock';
import { natsBroker } from '../src/exports/index.js';

it.each([
  ['nats://user@h', 'give nats://HOST:PORT, such as nats://10.0.0.7:4222'],
  ['nats://u:50%@h', 'the login has a % that begins no character; write it as %25'],
  ['nats://u:p@h?token-file=x', 'the login is given twice; give one of USER:PASSWORD@, creds-file and token-file'],
  ['nats://h:0', 'h:0 is no HOST:PORT'],
  ['nats://h/a.b', 'a.b is no prefix of streams; give 1 to 64 characters of a-z A-Z 0-9 _'],
  ['nats://h?replicas=2', 'replicas is 2; give 1, 3 or 5 servers that keep each event'],
  ['nats://h?tls=yes', 'tls is yes; give on or off'],
  [
    'nats://10.0.0.7?tls=on',
    '10.0.0.7 is an address, and with tls=on a certificate is compared with a name; give the name of the server',
  ],
  ['nats://h?ca-file=x', 'ca-file has no effect without TLS; give tls=on, too'],
  ['nats://h?creds=x', 'creds is neither tls, replicas, ca-file, cert-file, key-file, creds-file, token-file nor'],
])('%s is refused', (url, text) => {
  expect(() => natsBroker(url, { clock })).toThrow(`RONDO_TOPICS: ${text}`);
});

it('a file that is missing is named once NATS is connected to', async () => {
  const broker = natsBroker('nats://127.0.0.1:1?creds-file=/nowhere/creds', { clock });
  await expect(broker.open('t.v1.T', { retentionMs: 1_000, groups: [] })).rejects.toThrow('/nowhere/creds');
  await broker.close();
});
