import { once } from 'node:events';
import { connect } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Authority } from '@rondo/certificates';
import { forge, subjectOf } from '../support/forgery.js';
import type { CertificatePair } from '../support/identities.js';
import { certify } from '../support/identities.js';
import { firstOf } from './attempt.js';
import { BEGIN, call } from './frames.js';

/** The authorities of a test. */
export interface Authorities {
  /** Issues the server's certificate, and is trusted. */
  readonly own: Authority;
  /** Trusted by no process. */
  readonly stranger: Authority;
  /** Of another trust domain, and trusted all the same. */
  readonly foreigner: Authority;
}

/** A client that must not get in. */
export interface Handshake {
  /** What it sends instead of TLS; undefined for TLS. */
  readonly plaintext?: Buffer;
  readonly options?: (authorities: Authorities) => Promise<ConnectionOptions> | ConnectionOptions;
  /** What it does once its own side of the handshake is complete; a call by default. */
  readonly then?: (socket: TLSSocket) => void;
  /** What the server's log says, in one line. */
  readonly line: string;
}

const SAYS = {
  untrusted: 'no authority that this process trusts has issued its certificate',
  notAuthority: 'its certificate was issued by one that may issue none',
  noId: 'its certificate has no SPIFFE id',
  plaintext: 'it speaks plaintext',
  noHttp2: "it doesn't speak HTTP/2 over TLS",
  version: 'it speaks no TLS 1.3',
} as const;

const withUris = (...uris: readonly string[]): Handshake => ({
  options: ({ own }) => forge(own, { uris }),
  line: SAYS.noId,
});

const insider = ({ own }: Authorities) => certify(own, 'gateway');

/** Clients that aren't who they say, or speak something else. */
export const handshakes: Readonly<Record<string, Handshake>> = {
  'no TLS, but HTTP/2': { plaintext: Buffer.concat([BEGIN, call()]), line: SAYS.plaintext },
  'no TLS, but HTTP/1.1': { plaintext: Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), line: SAYS.plaintext },
  'a TLS record of 16 MiB': {
    plaintext: Buffer.from([0x16, 3, 1, 0xff, 0xff, 1, 0xff, 0xff, 0xff]),
    line: SAYS.plaintext,
  },
  'a hello that is none': { plaintext: Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]), line: 'handshake failed' },
  'no certificate': { options: () => ({}), line: 'it has sent no certificate' },
  'a certificate of an authority that is not trusted': {
    options: ({ stranger }) => certify(stranger, 'gateway'),
    line: SAYS.untrusted,
  },
  'a certificate that it signed itself': {
    options: () => forge(undefined, { uris: ['spiffe://rondo.test/gateway'] }),
    line: SAYS.untrusted,
  },
  "a certificate that it signed itself, under the authority's name": {
    options: ({ own }) => forge(undefined, { uris: ['spiffe://rondo.test/gateway'], subject: subjectOf(own) }),
    line: SAYS.untrusted,
  },
  'a certificate that another process has issued': {
    options: async ({ own }) => chained(await certify(own, 'sales')),
    line: SAYS.notAuthority,
  },
  'a certificate of an authority that the real one has issued, which it may not': {
    options: async ({ own }) => chained(await forge(own, { issues: true, subject: 'CN=between' })),
    line: SAYS.notAuthority,
  },
  'an expired certificate': {
    options: ({ own }) => certify(own, 'gateway', { valid: [-3, -1] }),
    line: 'its certificate has expired',
  },
  "a certificate that isn't valid yet": {
    options: ({ own }) => certify(own, 'gateway', { valid: [1, 3] }),
    line: "its certificate isn't valid yet",
  },
  "a server's certificate": {
    options: ({ own }) => certify(own, 'gateway', { usage: 'server' }),
    line: 'its certificate is not for this use',
  },
  'a certificate of another trust domain': {
    options: ({ foreigner }) => certify(foreigner, 'gateway'),
    line: 'of another trust domain than rondo.test',
  },
  'a certificate without a URI': { options: ({ own }) => forge(own, { hosts: ['gateway'] }), line: SAYS.noId },
  'a certificate without any name': { options: ({ own }) => forge(own, { subject: 'CN=gateway' }), line: SAYS.noId },
  'two SPIFFE ids': withUris('spiffe://rondo.test/gateway', 'spiffe://rondo.test/registry'),
  'a SPIFFE id and another URI': withUris('spiffe://rondo.test/gateway', 'https://rondo.test/gateway'),
  'a wildcard as a name': withUris('spiffe://rondo.test/*'),
  'an id with a comma and a second id': withUris('spiffe://rondo.test/x, URI:spiffe://rondo.test/gateway'),
  'a DNS name that reads like an id': {
    options: ({ own }) => forge(own, { hosts: ['x, URI:spiffe://rondo.test/gateway'] }),
    line: SAYS.noId,
  },
  'TLS 1.2': {
    options: async (all) => ({ ...(await insider(all)), maxVersion: 'TLSv1.2' }),
    line: SAYS.version,
  },
  'TLS 1.0': {
    options: async (all) => ({
      ...(await insider(all)),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1',
      ciphers: 'ALL:@SECLEVEL=0',
    }),
    line: SAYS.version,
  },
  'no ALPN': { options: async (all) => ({ ...(await insider(all)), ALPNProtocols: [] }), line: SAYS.noHttp2 },
  'ALPN for HTTP/1.1': {
    options: async (all) => ({ ...(await insider(all)), ALPNProtocols: ['http/1.1'] }),
    line: SAYS.noHttp2,
  },
};

async function chained(between: CertificatePair): Promise<ConnectionOptions> {
  const leaf = await forge(between, { uris: ['spiffe://rondo.test/gateway'] });
  return { cert: `${leaf.cert}${between.cert}`, key: leaf.key };
}

/** Where a client tries to get in. */
interface Entrance {
  readonly port: number;
  readonly authorities: Authorities;
  /** What it waits for: by default, that the server ends the connection. */
  readonly until?: 'close' | 'data';
}

/** Runs an attack; returns whether the server has ended the connection, and the bytes of HTTP/2 that it sent. */
export async function attempt(
  { plaintext, options = () => ({}), then }: Handshake,
  { port, authorities, until = 'close' }: Entrance,
): Promise<{ readonly ended: boolean; readonly bytes: number }> {
  const events = ['close', until];
  const socket = connect(port, '127.0.0.1');
  let bytes = 0;
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  if (plaintext !== undefined) {
    socket.on('data', (chunk) => (bytes += isAlert(chunk) ? 0 : chunk.length));
    socket.write(plaintext);
    if (plaintext[0] === HANDSHAKE) socket.end();
    await firstOf(socket, events);
    const ended = socket.destroyed;
    socket.destroy();
    return { ended, bytes };
  }
  const tls = await options(authorities);
  const secured = connectTls({ ALPNProtocols: ['h2'], ...tls, socket, rejectUnauthorized: false });
  secured.on('error', () => secured.destroy());
  secured.on('data', (chunk) => (bytes += chunk.length));
  secured.once('secureConnect', () => {
    if (then === undefined) secured.write(Buffer.concat([BEGIN, call()]));
    else then(secured);
  });
  await firstOf(secured, events);
  const ended = secured.destroyed;
  secured.destroy();
  return { ended, bytes };
}

const [ALERT, HANDSHAKE] = [0x15, 0x16];
const isAlert = (chunk: Buffer): boolean => chunk[0] === ALERT;
