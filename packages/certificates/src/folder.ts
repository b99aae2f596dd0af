import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Authority, createAuthority, issue } from './issue.js';

/** Where the certificates of a development system are. */
export interface FolderOptions {
  /** One folder inside for the authority, and one for each process: `tls.crt`, `tls.key` and `ca.crt`, as by cert-manager. */
  readonly folder: string;
  readonly trustDomain: string;
  readonly now: Date;
  /** Further names and IP addresses of the processes, besides their own names and this machine's loopback. */
  readonly hosts?: readonly string[];
}

/** A certificate in the folder, and whether it was issued just now. */
export interface IssuedCertificate {
  readonly name: string;
  readonly folder: string;
  readonly validTo: Date;
  readonly isNew: boolean;
}

const DAY_MS = 24 * 60 * 60_000;
const AUTHORITY_MS = 365 * DAY_MS;
const LEAF_MS = 30 * DAY_MS;
/** Machines whose clocks are behind by less than this accept a new certificate. */
const CLOCK_SKEW_MS = 5 * 60_000;
/** The part of a certificate's life after which it is renewed. */
const RENEW_AFTER = 2 / 3;

const AUTHORITY = 'authority';
const [PRIVATE_FILE, PUBLIC_FILE, PRIVATE_FOLDER] = [0o600, 0o644, 0o700];

/**
 * Issues a certificate for each of `names` that has none, or whose certificate has lived two thirds of its life or is of an
 * earlier authority. Makes the authority if there is none. A name such as `person/jo` is a person's: its folder is `person`.
 */
export async function renewAll(
  names: readonly string[],
  { always = false, ...options }: FolderOptions & { readonly always?: boolean },
): Promise<readonly IssuedCertificate[]> {
  const authority = (await readAuthority(options)) ?? (await makeAuthority(options, []));
  const issued: IssuedCertificate[] = [];
  for (const name of names) issued.push(await renew(name, authority, { ...options, always }));
  return issued;
}

/**
 * Makes a new authority. All processes trust both authorities from now on, and keep their certificates: {@link
 * renewAll} replaces them once the processes have read the new bundle.
 */
export async function replaceAuthority(options: FolderOptions): Promise<void> {
  const before = certificatesIn(path.join(options.folder, AUTHORITY, 'bundle.crt'));
  await makeAuthority(options, before);
  shareBundle(options.folder);
}

/** Removes the earlier authorities from all bundles: certificates that they have issued are refused from then on. */
export function retireAuthorities({ folder }: Pick<FolderOptions, 'folder'>): void {
  const own = path.join(folder, AUTHORITY);
  put(path.join(own, 'bundle.crt'), readFileSync(path.join(own, 'ca.crt'), 'utf8'), PUBLIC_FILE);
  shareBundle(folder);
}

/** The authority of the folder; undefined if there is none, or if it is due for renewal. */
async function readAuthority({ folder, trustDomain, now }: FolderOptions): Promise<Authority | undefined> {
  const own = path.join(folder, AUTHORITY);
  if (!existsSync(path.join(own, 'ca.key'))) return undefined;
  const [cert, key] = ['ca.crt', 'ca.key'].map((name) => readFileSync(path.join(own, name), 'utf8'));
  if (cert === undefined || key === undefined) return undefined;
  const { subjectAltName = '' } = new X509Certificate(cert);
  const found = /URI:spiffe:\/\/([^/,\s]+)/.exec(subjectAltName)?.[1] ?? trustDomain;
  if (found !== trustDomain) {
    throw new Error(
      `${own} is the authority of ${found}, not of ${trustDomain}: take another folder, or remove this one`,
    );
  }
  if (new Date(new X509Certificate(cert).validTo) < now)
    throw new Error(`${own}/ca.crt has expired: rondo certs --authority`);
  return { trustDomain, cert, key };
}

async function makeAuthority(
  { folder, trustDomain, now }: FolderOptions,
  before: readonly string[],
): Promise<Authority> {
  const validFrom = new Date(now.getTime() - CLOCK_SKEW_MS);
  const authority = await createAuthority({ trustDomain, validFrom, validTo: new Date(now.getTime() + AUTHORITY_MS) });
  const own = path.join(folder, AUTHORITY);
  makeFolder(folder);
  makeFolder(own);
  put(path.join(own, 'bundle.crt'), [authority.cert, ...before].map(withNewline).join(''), PUBLIC_FILE);
  put(path.join(own, 'ca.key'), authority.key, PRIVATE_FILE);
  put(path.join(own, 'ca.crt'), withNewline(authority.cert), PUBLIC_FILE);
  return authority;
}

interface RenewOptions extends FolderOptions {
  readonly always: boolean;
}

async function renew(name: string, authority: Authority, options: RenewOptions): Promise<IssuedCertificate> {
  const { folder, now, hosts = [], always } = options;
  const isPerson = name.startsWith('person/');
  const own = path.join(folder, isPerson ? 'person' : name);
  const bundle = readFileSync(path.join(folder, AUTHORITY, 'bundle.crt'), 'utf8');
  const known = existsSync(path.join(own, 'tls.key')) ? certificatesIn(path.join(own, 'tls.crt'))[0] : undefined;
  const validTo = known && !always ? usableUntil(known, authority, now) : undefined;
  if (validTo !== undefined) {
    put(path.join(own, 'ca.crt'), bundle, PUBLIC_FILE);
    return { name, folder: own, validTo, isNew: false };
  }
  const until = new Date(now.getTime() + LEAF_MS);
  const { cert, key } = await issue(authority, {
    name,
    usage: isPerson ? 'client' : 'process',
    hosts: isPerson ? [] : ['localhost', '127.0.0.1', '::1', name, ...hosts],
    validFrom: new Date(now.getTime() - CLOCK_SKEW_MS),
    validTo: until,
  });
  makeFolder(own);
  // A process that reads in between finds a key of another certificate, keeps its last pair, and reads again.
  put(path.join(own, 'ca.crt'), bundle, PUBLIC_FILE);
  put(path.join(own, 'tls.key'), key, PRIVATE_FILE);
  put(path.join(own, 'tls.crt'), withNewline(cert), PUBLIC_FILE);
  return { name, folder: own, validTo: until, isNew: true };
}

/** Until when a certificate can be used; undefined if it is due for renewal, or not of this authority. */
function usableUntil(pem: string, authority: Authority, now: Date): Date | undefined {
  const certificate = new X509Certificate(pem);
  if (!certificate.verify(new X509Certificate(authority.cert).publicKey)) return undefined;
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  return (now.getTime() - from) / (to - from) < RENEW_AFTER ? new Date(to) : undefined;
}

/** Gives the authority's bundle to every process. */
function shareBundle(folder: string): void {
  const bundle = readFileSync(path.join(folder, AUTHORITY, 'bundle.crt'), 'utf8');
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name, 'ca.crt');
    if (name !== AUTHORITY && existsSync(file)) put(file, bundle, PUBLIC_FILE);
  }
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

const certificatesIn = (file: string): readonly string[] =>
  existsSync(file) ? (readFileSync(file, 'utf8').match(PEM) ?? []) : [];

const withNewline = (pem: string): string => `${pem.trimEnd()}\n`;

function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
}

/** Writes a file by a rename, so that no process reads half of it. */
function put(file: string, text: string, mode: number): void {
  const written = `${file}.${randomBytes(4).toString('hex')}`;
  writeFileSync(written, text, { mode });
  renameSync(written, file);
}
