import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';

/** How a connection is encrypted, and who is at its ends. */
export interface TlsOptions {
  /** The certificates, in PEM, of those who may vouch for the server; those that the machine trusts by default. */
  readonly ca?: string | Uint8Array | undefined;
  /** The client's own certificate, in PEM, where the server wants one; with its key. */
  readonly cert?: string | Uint8Array | undefined;
  /** The key, in PEM, of the client's own certificate. */
  readonly key?: string | Uint8Array | undefined;
  /** The name that the server's certificate is held to; the host of the address by default. */
  readonly serverName?: string | undefined;
}

/**
 * The credentials of a connection: TLS where it is asked for, else none.
 *
 * @throws TypeError where `tls` can't be what it says.
 */
export function channelCredentials(tls: TlsOptions | undefined): grpc.ChannelCredentials {
  if (tls === undefined) return grpc.credentials.createInsecure();
  checkTls(tls);
  const { ca, cert, key } = tls;
  return grpc.credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert));
}

/** What a channel must know beside its credentials. */
export function serverNameOptions({ serverName }: TlsOptions = {}): grpc.ChannelOptions {
  if (serverName === undefined) return {};
  return { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName };
}

function toBuffer(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

/** A name, or an address; what stands behind a colon would be a port. */
const SERVER_NAME = /^[^\s:/]+$/;

/**
 * Checks what can be known of `tls` before there is a server: OpenSSL passes over what it can't read of a `ca`, and tells
 * of the rest in words of its own.
 */
function checkTls(tls: TlsOptions): void {
  if (typeof tls !== 'object' || tls === null) {
    throw new TypeError(`tls is ${tls}: give an object, {} for a server that the machine trusts`);
  }
  const { ca, cert, key, serverName } = tls;
  if (ca !== undefined) readCertificate('tls.ca', ca);
  if ((cert === undefined) !== (key === undefined)) {
    const [there, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    throw new TypeError(`tls.${there} is given without tls.${missing}: a certificate goes with its key, give both`);
  }
  if (cert !== undefined && key !== undefined && !readCertificate('tls.cert', cert).checkPrivateKey(readKey(key))) {
    throw new TypeError('tls.key is the key of another certificate than tls.cert');
  }
  if (serverName !== undefined && !(typeof serverName === 'string' && SERVER_NAME.test(serverName))) {
    throw new TypeError(`tls.serverName is "${serverName}": give a host's name, without a port`);
  }
}

/** The first of them. */
function readCertificate(name: string, pem: string | Uint8Array): X509Certificate {
  return readPem(name, pem, {
    what: 'a certificate',
    begin: /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/,
    read: (bytes) => new X509Certificate(bytes),
  });
}

function readKey(pem: string | Uint8Array): KeyObject {
  return readPem('tls.key', pem, {
    what: 'a private key',
    begin: /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
    read: (bytes) => createPrivateKey(bytes),
  });
}

interface PemKind<T> {
  readonly what: string;
  readonly begin: RegExp;
  readonly read: (pem: Buffer) => T;
}

function readPem<T>(name: string, pem: string | Uint8Array, { what, begin, read }: PemKind<T>): T {
  const advice = `give the text of a PEM file, as readFileSync(path) reads it`;
  if (typeof pem !== 'string' && !(pem instanceof Uint8Array)) {
    throw new TypeError(`${name} is neither text nor bytes: ${advice}`);
  }
  const bytes = Buffer.from(pem);
  if (!begin.test(bytes.toString('latin1'))) throw new TypeError(`${name} holds no PEM of ${what}: ${advice}`);
  try {
    return read(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`${name} can't be read as ${what}: ${reason}`, { cause });
  }
}

/**
 * `credentials` that also tell of each socket, as soon as it is connected and before it is spoken over: grpc-js itself
 * waits without end for a server that accepts connections and never speaks.
 *
 * This overrides what grpc-js keeps to itself; docs/adr/0018-connections-and-further-tries.md names the tests that hold
 * its version to it.
 */
export function observeSockets(
  credentials: grpc.ChannelCredentials,
  onSocket: (socket: Socket) => void,
): grpc.ChannelCredentials {
  const createSecureConnector: grpc.ChannelCredentials['_createSecureConnector'] = (...options) => {
    const connector = credentials._createSecureConnector(...options);
    return {
      connect(socket) {
        onSocket(socket);
        return connector.connect(socket);
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  };
  return Object.create(credentials, { _createSecureConnector: { value: createSecureConnector } });
}
