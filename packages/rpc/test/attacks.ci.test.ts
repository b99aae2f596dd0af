import type { ConnectionOptions } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import type { Attempt } from './attacks/attempt.js';
import { pathOf, times } from './attacks/frames.js';
import { ATTACKS, describeAttacks, SOME_ATTACKS } from './attacks/suite.js';

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

const OWN = [['clients of gRPC', plainClients]] as const;
describeAttacks('without TLS', [...ATTACKS, ...OWN]);
describeAttacks('with TLS, and a client with a certificate,', [...SOME_ATTACKS, ...OWN]);
// It handles what comes in the first read in another way.
describeAttacks('that is permissive', SOME_ATTACKS);
