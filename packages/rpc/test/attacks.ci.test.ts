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

function unary(client: grpc.Client, timeoutMs: number, metadata = new grpc.Metadata()): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  return new Promise((resolve) => {
    const done = () => resolve();
    client.makeUnaryRequest(pathOf('Unary'), identity, identity, Buffer.alloc(0), metadata, { deadline }, done);
  });
}

function cancelled(client: grpc.Client): Promise<unknown> {
  const call = client.makeBidiStreamRequest(pathOf('BidiStream'), identity, identity);
  call.on('error', () => undefined).resume();
  setImmediate(() => call.cancel());
  return new Promise((resolve) => call.on('status', resolve));
}

const plainClients: readonly Attempt[] = [
  // The client reconnects for each attempt, because its own HTTP/2 throws.
  plain('metadata that is of HTTP', (client) => {
    const metadata = new grpc.Metadata();
    metadata.add('connection', 'close');
    return unary(client, 500, metadata);
  }),
  plain('2,000 calls that it cancels', (client) => Promise.all(times(2_000, () => cancelled(client)))),
  plain('1,000 calls whose time is over', (client) => Promise.all(times(1_000, () => unary(client, 1)))),
];

const OWN = [['clients of gRPC', plainClients]] as const;
describeAttacks('without TLS', [...ATTACKS, ...OWN]);
describeAttacks('with TLS, and a client with a certificate,', [...SOME_ATTACKS, ...OWN]);
// It handles what comes in the first read in another way.
describeAttacks('that is permissive', SOME_ATTACKS);
