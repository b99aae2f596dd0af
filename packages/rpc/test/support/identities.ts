import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import { systemClock } from '@rondo/base';
import { type Authority, createAuthority, issue } from '@rondo/certificates';
import type { Logger } from '../../src/call/call.js';
import { silentLogger } from '../../src/exports/call.js';
import type { TlsUse } from '../../src/resolver/endpoint.js';
import { ProcessIdentity } from '../../src/tls/identity.js';
import type { MutualTls } from '../../src/tls/mutual-tls.js';

/** A certificate with its key, as PEM. */
export type CertificatePair = Awaited<ReturnType<typeof issue>>;

const HOUR_MS = 60 * 60_000;

/** Hours from now: negative in the past. */
const hours = (count: number): Date => new Date(Date.now() + count * HOUR_MS);

export const newAuthority = (trustDomain = 'rondo.test'): Promise<Authority> =>
  createAuthority({ trustDomain, validFrom: hours(-100), validTo: hours(100) });

/** What differs from a certificate that is valid for an hour. */
export interface IssueOptions {
  readonly usage?: 'process' | 'client' | 'server';
  /** Hours from now. */
  readonly valid?: readonly [from: number, to: number];
}

export function certify(
  authority: Authority,
  name: string,
  { usage = 'process', valid: [from, to] = [-1, 1] }: IssueOptions = {},
): Promise<CertificatePair> {
  return issue(authority, {
    name,
    usage,
    hosts: ['localhost', '127.0.0.1'],
    validFrom: hours(from),
    validTo: hours(to),
  });
}

/** A folder of one process's certificate, in the layout of cert-manager. */
export interface CertificateFolder {
  readonly path: string;
  write(files: Partial<CertificatePair> & { readonly ca?: string }): void;
  remove(): void;
}

const folders: CertificateFolder[] = [];
// Those of a file are removed after the last of its tests.
afterAll(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

/** A folder with a certificate of that name by the authority, which is trusted there. */
export async function folderOf(authority: Authority, name: string, options: IssueOptions = {}) {
  const folder = createFolder();
  folder.write({ ...(await certify(authority, name, options)), ca: authority.cert });
  return folder;
}

export function createFolder(): CertificateFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-certs-'));
  const put = (name: string, text: string | undefined) =>
    text === undefined || writeFileSync(path.join(folder, name), text);
  const created: CertificateFolder = {
    path: folder,
    write({ cert, key, ca }) {
      put('ca.crt', ca);
      put('tls.key', key);
      put('tls.crt', cert);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  folders.push(created);
  return created;
}

interface MutualOptions {
  readonly mode?: TlsUse;
  readonly log?: Logger;
  readonly servedBy?: MutualTls['servedBy'];
  /** The time when the process read its files, in hours from now. */
  readonly readAt?: number;
}

/** The process whose certificate is in `folder`. */
export function mutualTlsIn(
  { path: folder }: CertificateFolder,
  { mode = 'on', log = silentLogger, servedBy = () => ['sales'], readAt = 0 }: MutualOptions = {},
): MutualTls {
  const files = {
    cert: path.join(folder, 'tls.crt'),
    key: path.join(folder, 'tls.key'),
    ca: path.join(folder, 'ca.crt'),
  };
  const wallClock = { now: () => hours(readAt) };
  const identity = new ProcessIdentity({ files, usage: 'client', clock: systemClock, wallClock, log });
  return { mode, identity, servedBy };
}
