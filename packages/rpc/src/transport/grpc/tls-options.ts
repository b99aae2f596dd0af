import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** TLS settings of connections. They are read for each connection: a getter may read a file that is renewed. */
export interface TlsOptions {
  /** The trusted certificate authorities, in PEM; those that the machine trusts by default. */
  readonly ca?: string | Uint8Array | undefined;
  /** The client's own certificate, in PEM, if the server asks for one. It needs `key`. */
  readonly cert?: string | Uint8Array | undefined;
  /** The key, in PEM, of the client's own certificate. */
  readonly key?: string | Uint8Array | undefined;
  /** The name that the server's certificate must have; the host of the address by default. */
  readonly serverName?: string | undefined;
}

/** A host name or an address. Text after a colon would be a port. */
const SERVER_NAME = /^[^\s:/]+$/;

/**
 * Checks `tls` as far as possible without a server. OpenSSL ignores unreadable parts of a `ca`, and reports the rest in
 * its own words.
 *
 * @throws TypeError if `tls` is invalid.
 */
export function checkTls(tls: TlsOptions): void {
  if (typeof tls !== 'object' || tls === null) {
    throw new TypeError(`tls is ${tls}: give an object; {} is for a server that the machine trusts`);
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

/** The first certificate in the text. */
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
