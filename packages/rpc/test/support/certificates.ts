import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why no certificate can be created; undefined if one can. */
export const noOpenssl =
  spawnSync('openssl', ['version']).error === undefined
    ? undefined
    : 'TLS: no openssl is installed to make certificates';

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Creates a self-signed certificate for the host of that name. */
export function makeCertificate(host: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-tls-'));
  try {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const files = ['-keyout', 'key.pem', '-out', 'cert.pem'];
    const names = ['-subj', '/CN=rondo test', '-addext', `subjectAltName=DNS:${host}`];
    spawnSync('openssl', ['req', '-x509', '-days', '2', ...curve, ...files, ...names], { cwd: folder });
    return { cert: readFileSync(join(folder, 'cert.pem')), key: readFileSync(join(folder, 'key.pem')) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
