import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type SpiffeId, spiffeIdOf } from './spiffe-id.js';

/** A certificate of a process, with what it is checked against. */
export interface ProcessCertificate {
  readonly id: SpiffeId;
  readonly validFrom: Date;
  readonly validTo: Date;
  /** The certificate and its intermediates, in PEM. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** The certificate authorities that this process trusts, in PEM. */
  readonly ca: Buffer;
}

/** The texts of the three files. */
export type CertificateTexts = Pick<ProcessCertificate, 'cert' | 'key' | 'ca'>;

/** What a certificate is used for: `process` serves and calls; `client` only calls, such as a person's. */
export type Usage = 'process' | 'client';

/** Object identifiers of extended key usages. Source: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.12 */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** The chain of a certificate is no longer than this. */
const MAX_CHAIN = 10;

/**
 * Checks that the three belong together and can be used now: the key is the certificate's, a trusted authority has
 * issued it, it is valid at `now`, its extended key usage allows `usage`, and it has one SPIFFE id.
 *
 * @throws Error that says which of them is at fault.
 */
export function checkCertificate({ cert, key, ca }: CertificateTexts, usage: Usage, now: Date): ProcessCertificate {
  const chain = certificatesIn(cert, 'the certificate');
  const [leaf] = chain;
  if (leaf === undefined) throw new Error('the certificate file has no certificate in PEM');
  const roots = certificatesIn(ca, 'a certificate of the bundle');
  if (roots.length === 0) throw new Error('the bundle has no certificate in PEM');
  if (!leaf.checkPrivateKey(readKey(key))) throw new Error('the key is that of another certificate');
  const id = spiffeIdOf(leaf);
  if (id === undefined) {
    throw new Error(`the certificate has no SPIFFE id: it needs one URI, spiffe://domain/name, among its names`);
  }
  const [validFrom, validTo] = [new Date(leaf.validFrom), new Date(leaf.validTo)];
  if (now < validFrom) throw new Error(`the certificate of ${id.uri} isn't valid before ${validFrom.toISOString()}`);
  if (now > validTo) throw new Error(`the certificate of ${id.uri} has expired on ${validTo.toISOString()}`);
  checkUsage(leaf, usage);
  if (!isTrusted(leaf, { between: chain.slice(1), roots })) {
    throw new Error(`no authority in the bundle has issued the certificate of ${id.uri}`);
  }
  return { id, validFrom, validTo, cert, key, ca };
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The certificates in a PEM file. */
export function certificatesIn(pem: Buffer, what: string): readonly X509Certificate[] {
  try {
    return (pem.toString('latin1').match(PEM_CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
  } catch (cause) {
    throw new Error(`${what} can't be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function readKey(pem: Buffer) {
  try {
    return createPrivateKey(pem);
  } catch {
    // OpenSSL's text is about its parser, and might quote the file.
    throw new Error('the key file has no private key in PEM that can be read without a passphrase');
  }
}

/** Node names extended key usages `keyUsage`. A certificate without any may be used for everything. */
function checkUsage({ keyUsage }: X509Certificate, usage: Usage): void {
  const needed = usage === 'process' ? [SERVER_AUTH, CLIENT_AUTH] : [CLIENT_AUTH];
  const missing = keyUsage === undefined ? [] : needed.filter((oid) => !keyUsage.includes(oid));
  if (missing.length === 0) return;
  const ways = missing.map((oid) => (oid === SERVER_AUTH ? "a server's" : "a client's")).join(' and ');
  throw new Error(`the certificate may not be used as ${ways}: its extended key usage doesn't say so`);
}

interface Issuers {
  readonly between: readonly X509Certificate[];
  readonly roots: readonly X509Certificate[];
}

/** Whether a chain of signatures leads from `certificate` to a root. TLS itself checks the rest at each handshake. */
function isTrusted(certificate: X509Certificate, { between, roots }: Issuers): boolean {
  let current = certificate;
  for (let length = 0; length < MAX_CHAIN; length += 1) {
    const issued = (issuer: X509Certificate) => current.checkIssued(issuer) && current.verify(issuer.publicKey);
    if (roots.some(issued)) return true;
    const next = between.find((issuer) => issuer !== current && issued(issuer));
    if (next === undefined) return false;
    current = next;
  }
  return false;
}
