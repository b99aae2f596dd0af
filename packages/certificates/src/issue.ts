import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key, in PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority, which can issue certificates of its trust domain. */
export interface Authority extends CertificatePair {
  readonly trustDomain: string;
}

/** From when to when a certificate is valid. */
interface Validity {
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** What a certificate may be used for: `process` serves and calls; `client` only calls, such as a person's; `server` only serves. */
export type Usage = 'process' | 'client' | 'server';

/** What a certificate is issued for. */
interface IssueOptions extends Validity {
  /** The path of the SPIFFE id: the name of the process, or `person/<name>`. */
  readonly name: string;
  readonly usage: Usage;
  /** The names and IP addresses at which clients that check hosts, such as grpcurl, find the server. */
  readonly hosts?: readonly string[];
}

/** ECDSA on P-256, which every TLS library speaks, and whose signatures cost little. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Creates an authority. Its certificate is signed by itself and issues no further authority. */
export async function createAuthority({
  trustDomain,
  validFrom: notBefore,
  validTo: notAfter,
}: Validity & { readonly trustDomain: string }): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    // A name of its own: an authority that replaces another must not be taken for it.
    name: `CN=Rondo authority ${randomBytes(4).toString('hex')}, O=${trustDomain}`,
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${trustDomain}` }]),
    ],
  });
  return { trustDomain, cert: certificate.toString('pem'), key: await toPem(keys.privateKey) };
}

/**
 * Issues a certificate that has one SPIFFE id.
 *
 * Source: https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md
 */
export async function issue(authority: Authority, options: IssueOptions): Promise<CertificatePair> {
  const { name, usage, hosts = [], validFrom: notBefore, validTo: notAfter } = options;
  const keys = await generateKeys();
  const issuer = new X509Certificate(authority.cert);
  const names: JsonGeneralName[] = [
    { type: 'url', value: `spiffe://${authority.trustDomain}/${name}` },
    ...hosts.map((value): JsonGeneralName => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
  ];
  const certificate = await X509CertificateGenerator.create({
    serialNumber: newSerialNumber(),
    subject: `CN=${name.replaceAll('/', ' ')}, O=${authority.trustDomain}`,
    issuer: issuer.subject,
    notBefore,
    notAfter,
    publicKey: keys.publicKey,
    signingKey: await readKey(authority.key),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(USAGES[usage]),
      new SubjectAlternativeNameExtension(names),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: await toPem(keys.privateKey) };
}

const USAGES: Readonly<Record<Usage, ExtendedKeyUsage[]>> = {
  process: [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth],
  client: [ExtendedKeyUsage.clientAuth],
  server: [ExtendedKeyUsage.serverAuth],
};

const generateKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

/** 127 random bits: positive, as a serial number must be. */
function newSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

function readKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [pkcs8] = PemConverter.decode(pem);
  if (pkcs8 === undefined) throw new TypeError("the authority's key has no private key in PEM");
  return webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']);
}
