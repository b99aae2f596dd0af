/** An attacker with its own connection neither ends the process nor fails a call of another client. */

import type { ConnectionOptions } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Attempt } from './attacks/attempt.js';
import { type Bystander, SERVED, startVictim, UNHARMED } from './attacks/bystander.js';
import { clients } from './attacks/clients.js';
import { connections } from './attacks/connections.js';
import { floods } from './attacks/floods.js';
import { pathOf } from './attacks/frames.js';
import { malformed } from './attacks/malformed.js';
import { messages } from './attacks/messages.js';
import { requests } from './attacks/requests.js';
import { type CertificateFolder, certify, createFolder, mutualTlsIn, newAuthority } from './support/identities.js';

/** Attacks by a plain gRPC client, with its own metadata, deadline and message. */
function plain(name: string, run: (client: grpc.Client) => Promise<unknown>): Attempt {
  return [
    name,
    async ({ port, tls }) => {
      const credentials = tls === undefined ? grpc.credentials.createInsecure() : secure(tls);
      const client = new grpc.Client(`127.0.0.1:${port}`, credentials, {
        'grpc.ssl_target_name_override': 'localhost',
      });
      await run(client);
      client.close();
    },
  ];
}

function secure({ ca, key, cert }: ConnectionOptions): grpc.ChannelCredentials {
  const [root, own, chain] = [ca, key, cert].map((pem) => Buffer.from(String(pem)));
  return grpc.credentials.createSsl(root, own, chain);
}

const identity = (bytes: Buffer) => bytes;

interface PlainCall {
  readonly path?: string;
  readonly message?: Buffer;
  readonly pairs?: readonly (readonly [string, string])[];
  readonly timeoutMs?: number;
}

function unary(client: grpc.Client, options: PlainCall): Promise<void> {
  const { path = pathOf('Unary'), message = Buffer.alloc(0), pairs = [], timeoutMs = 1_000 } = options;
  const metadata = new grpc.Metadata();
  for (const [key, value] of pairs) metadata.add(key, value);
  const deadline = Date.now() + timeoutMs;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, identity, identity, message, metadata, { deadline }, () => resolve());
  });
}

function cancelled(client: grpc.Client): Promise<unknown> {
  const call = client.makeBidiStreamRequest(pathOf('BidiStream'), identity, identity);
  call.on('error', () => undefined).resume();
  setImmediate(() => call.cancel());
  return new Promise((resolve) => call.on('status', resolve));
}

const times = <T>(count: number, item: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => item(index));

const plainClients: readonly Attempt[] = [
  plain('unknown methods', async (client) => {
    for (const path of ['/a.B/C', '/__proto__/x', pathOf('constructor'), '/', '//', '/*'])
      await unary(client, { path });
  }),
  plain('5 MiB', (client) => unary(client, { message: Buffer.alloc(5 * 1024 * 1024) })),
  plain('140 headers', (client) => unary(client, { pairs: times(140, (index) => [`k${index}`, 'v']) })),
  // The client reconnects for each attempt, because its own HTTP/2 throws.
  plain('metadata that is of HTTP', (client) => unary(client, { pairs: [['connection', 'close']], timeoutMs: 500 })),
  plain('a header of 30 KiB', (client) => unary(client, { pairs: [['x', 'x'.repeat(30_000)]] })),
  plain('a header of 100 KiB', (client) => unary(client, { pairs: [['x', 'x'.repeat(100_000)]] })),
  plain('2,000 calls that it cancels', (client) => Promise.all(times(2_000, () => cancelled(client)))),
  plain('1,000 calls whose time is over', (client) => Promise.all(times(1_000, () => unary(client, { timeoutMs: 1 })))),
];

const ATTACKS: readonly (readonly [kind: string, attempts: readonly Attempt[]])[] = [
  ['connections', connections],
  ['frames', malformed],
  ['requests', requests],
  ['messages', messages],
  ['floods', floods],
  ['clients of HTTP/2', clients],
  ['clients of gRPC', plainClients],
];

let bystander: Bystander;
const folders: CertificateFolder[] = [];
afterAll(() => {
  for (const folder of folders) folder.remove();
});

/** The attacker is a process of the trust domain: a stolen certificate, or a neighbour. Without it, the victim is permissive. */
async function startSecureVictim(mode: 'on' | 'permissive'): Promise<Bystander> {
  const authority = await newAuthority();
  const [own, client, stolen] = await Promise.all(
    ['sales', 'gateway', 'mallory'].map((name) => certify(authority, name)),
  );
  const [folder, clientFolder] = [createFolder(), createFolder()];
  folders.push(folder, clientFolder);
  folder.write({ ...own, ca: authority.cert });
  clientFolder.write({ ...client, ca: authority.cert });
  const tls = { ...stolen, ca: authority.cert, servername: 'localhost' };
  return startVictim({ folder: folder.path, client: mutualTlsIn(clientFolder), ...(mode === 'on' && { tls }) });
}

describe.each([
  ['without TLS', ATTACKS, () => startVictim()],
  ['with TLS, and a client with a certificate,', ATTACKS, () => startSecureVictim('on')],
  // It handles what comes in the first read in another way.
  ['that is permissive', ATTACKS.slice(0, 4), () => startSecureVictim('permissive')],
])('a server %s withstands an attack', (_how, attacks, start) => {
  beforeAll(async () => {
    bystander = await start();
  });
  afterAll(() => bystander.close());
  /** The victim is still the same process, and has logged nothing. */
  afterEach(() => {
    expect(bystander.state()).toEqual(UNHARMED);
  });

  describe.each(attacks)('by %s', (_kind, attempts) => {
    it.each(attempts)('%s', async (_name, run) => {
      expect(await bystander.during(() => run(bystander.victim))).toEqual(SERVED);
    });
  });
});
