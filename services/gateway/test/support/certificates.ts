import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp } from './listening.js';

/** Why no certificate can be created; undefined if one can. */
export const noOpenssl =
  spawnSync('openssl', ['version']).error === undefined
    ? undefined
    : 'TLS: no openssl is installed to make certificates';

export interface CertificateFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/** The files of a self-signed certificate of `name`, until the end of the test. */
export function makeCertificate(name: string, days = 30): CertificateFiles {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-gateway-tls-'));
  cleanUp(() => rmSync(folder, { recursive: true }));
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem'];
  spawnSync('openssl', ['req', '-x509', '-days', String(days), ...curve, ...files, '-subj', `/CN=${name}`], {
    cwd: folder,
  });
  return { certPath: join(folder, 'cert.pem'), keyPath: join(folder, 'key.pem') };
}

/** Replaces the certificate that is in use. */
export function replace(used: CertificateFiles, by: Partial<CertificateFiles>): void {
  if (by.certPath !== undefined) copyFileSync(by.certPath, used.certPath);
  if (by.keyPath !== undefined) copyFileSync(by.keyPath, used.keyPath);
}
