import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificatePair } from './identities.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 60 * 60_000;

/** What a forged certificate says, which no honest issuer would write. */
interface Forgery {
  /** Its URIs, as they are. */
  readonly uris?: readonly string[];
  readonly hosts?: readonly string[];
  readonly subject?: string;
  /** Whether it says that it may issue others. */
  readonly issues?: boolean;
}

/** A certificate of any content. Signed by `issuer`; by itself, with the issuer's name, if that is `undefined`. */
export async function forge(
  issuer: CertificatePair | undefined,
  { uris = [], hosts = [], subject = 'CN=forged', issues = false }: Forgery,
): Promise<CertificatePair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const names: JsonGeneralName[] = [
    ...uris.map((value): JsonGeneralName => ({ type: 'url', value })),
    ...hosts.map((value): JsonGeneralName => ({ type: 'dns', value })),
  ];
  const certificate = await X509CertificateGenerator.create({
    serialNumber: `4${randomBytes(8).toString('hex').slice(1)}`,
    subject,
    issuer: issuer === undefined ? subject : new X509Certificate(issuer.cert).subject,
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    publicKey: keys.publicKey,
    signingKey: issuer === undefined ? keys.privateKey : await keyOf(issuer.key),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(issues, undefined, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { cert: `${certificate.toString('pem')}\n`, key: `${key}\n` };
}

function keyOf(pem: string): Promise<webcrypto.CryptoKey> {
  const [pkcs8 = new ArrayBuffer(0)] = PemConverter.decode(pem);
  return webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']);
}

/** The subject of a certificate. */
export const subjectOf = ({ cert }: CertificatePair): string => new X509Certificate(cert).subject;
