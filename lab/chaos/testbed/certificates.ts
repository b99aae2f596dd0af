import path from 'node:path';
import { renewAll } from '@rondo/certificates';
import type { CertificateFiles } from '@rondo/harness/postgres';
import { configuredMutualTls, type MutualTls } from '@rondo/rpc/internal';

/** The certificates of a testbed's processes, or that there are none: then nothing is encrypted. */
export interface Certificates {
  /** The files of a process's certificate; undefined without TLS. */
  filesOf(name: CertifiedName): CertificateFiles | undefined;
  /** The variables with which a process has its certificate; none without TLS. */
  variablesOf(name: CertifiedName): Readonly<Record<string, string>>;
  /** The mutual TLS of a client in this process; undefined without TLS. */
  mutualTlsOf(name: CertifiedName): MutualTls | undefined;
}

/** The processes that have certificates. `chaos` are the clients. */
export type CertifiedName = (typeof NAMES)[number];

const NAMES = [
  'registry',
  'calculator',
  'project-management',
  'sales',
  'gateway',
  'chaos',
  'postgres',
  'etcd',
] as const;

/** No certificates: every connection is plaintext. */
export const NO_CERTIFICATES: Certificates = {
  filesOf: () => undefined,
  variablesOf: () => ({}),
  mutualTlsOf: () => undefined,
};

/** Makes an authority and a certificate for each process, in `folder`. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  await renewAll(NAMES, { folder, trustDomain: 'rondo.chaos', now: new Date() });
  const file = (name: CertifiedName, what: string) => path.join(folder, name, what);
  const variablesOf = (name: CertifiedName) => ({ RONDO_TLS: 'on', RONDO_TLS_DIR: path.join(folder, name) });
  return {
    filesOf: (name) => ({ cert: file(name, 'tls.crt'), key: file(name, 'tls.key'), ca: file(name, 'ca.crt') }),
    variablesOf,
    mutualTlsOf: (name) => configuredMutualTls(variablesOf(name)),
  };
}
