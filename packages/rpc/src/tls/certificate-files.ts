import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { CertificateTexts } from './certificate.js';

/** The files of a process's certificate, in PEM. */
export interface CertificateFiles {
  /** The certificate, and the intermediates after it. */
  readonly cert: string;
  readonly key: string;
  /** The certificate authorities to trust. */
  readonly ca: string;
}

/** The names in a Kubernetes secret that cert-manager writes. `rondo certs` uses them too. */
const DEFAULT_LAYOUT: CertificateFiles = { cert: 'tls.crt', key: 'tls.key', ca: 'ca.crt' };

/**
 * The names of the files in a folder. After the default: those of SPIRE's spiffe-helper, with either of the names that its
 * documentation uses for the bundle; and those of `spire-agent api fetch x509 -write`.
 */
const LAYOUTS: readonly CertificateFiles[] = [
  DEFAULT_LAYOUT,
  { cert: 'svid.pem', key: 'svid_key.pem', ca: 'bundle.pem' },
  { cert: 'svid.pem', key: 'svid_key.pem', ca: 'svid_bundle.pem' },
  { cert: 'svid.0.pem', key: 'svid.0.key', ca: 'bundle.0.pem' },
];

/** The files in a folder: the first layout all of whose files exist; else the default one, whose files an error then names. */
export function filesIn(folder: string): CertificateFiles {
  const isComplete = (files: CertificateFiles) => Object.values(files).every((file) => existsSync(file));
  const layouts = LAYOUTS.map((layout) => within(folder, layout));
  return layouts.find(isComplete) ?? within(folder, DEFAULT_LAYOUT);
}

function within(folder: string, { cert, key, ca }: CertificateFiles): CertificateFiles {
  return { cert: path.join(folder, cert), key: path.join(folder, key), ca: path.join(folder, ca) };
}

/** @throws Error of the file system, which names the file. */
export function readFiles({ cert, key, ca }: CertificateFiles): CertificateTexts {
  return { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) };
}

/**
 * The version of files. It changes when one of them does, also if a rename replaces the file, or if a symbolic link on its
 * path moves, as in Kubernetes.
 */
export async function versionOf(files: readonly string[]): Promise<string> {
  const stats = await Promise.all(files.map((file) => stat(file)));
  return stats.map(({ mtimeMs, ino, dev, size }) => `${mtimeMs} ${dev} ${ino} ${size}`).join(', ');
}
