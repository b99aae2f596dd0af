import path from 'node:path';
import { renewAll } from '@rondo/certificates';
import type { overTls } from '@rondo/harness/postgres';
import { configuredMutualTls } from '@rondo/rpc/internal';

/** The certificates of a testbed's processes, or that there are none: then nothing is encrypted. */
export type Certificates = Awaited<ReturnType<typeof makeCertificates>>;

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

/** Makes an authority and a certificate for each process in `folder`; without a folder there are none. */
export async function makeCertificates(folder: string | undefined) {
  if (folder !== undefined) await renewAll(NAMES, { folder, trustDomain: 'rondo.chaos', now: new Date() });
  /** The variables with which a process has its certificate; none without TLS. */
  const variablesOf = (name: CertifiedName): Readonly<Record<string, string>> =>
    folder === undefined ? {} : { RONDO_TLS: 'on', RONDO_TLS_DIR: path.join(folder, name) };
  return {
    /** The files of a process's certificate; undefined without TLS. */
    filesOf(name: CertifiedName): Parameters<typeof overTls>[1] | undefined {
      if (folder === undefined) return undefined;
      const file = (what: string) => path.join(folder, name, what);
      return { cert: file('tls.crt'), key: file('tls.key'), ca: file('ca.crt') };
    },
    variablesOf,
    /** The mutual TLS of a client in this process; undefined without TLS. */
    mutualTlsOf: (name: CertifiedName) => configuredMutualTls(variablesOf(name)),
  };
}
