import type { Clock, WallClock } from '@rondo/base';
import { type Logger, silentLogger } from '../call/call.js';
import type { Usage } from './certificate.js';
import { type CertificateFiles, type CertificateLocation, findFiles } from './certificate-files.js';
import { ProcessIdentity } from './identity.js';
import { type ServedBy, servedByOf } from './served-by.js';

/** Whether connections are encrypted: never, where both ends can, or always. */
export const TLS_MODES = ['off', 'permissive', 'on'] as const;

/** The oldest version of TLS that is spoken. */
export const TLS_VERSIONS = ['1.3', '1.2'] as const;

/** How a process encrypts its connections to other processes of its system. */
export interface TlsSettings extends CertificateLocation {
  readonly mode: (typeof TLS_MODES)[number];
  readonly minVersion: (typeof TLS_VERSIONS)[number];
}

/** Mutual TLS: each end of a connection proves by a certificate which process it is. */
export interface MutualTls {
  /** `on`: every connection uses TLS. `permissive`: connections with peers without TLS are plaintext. */
  readonly mode: 'permissive' | 'on';
  readonly minVersion: 'TLSv1.3' | 'TLSv1.2';
  readonly identity: ProcessIdentity;
  readonly servedBy: ServedBy;
}

/** What {@link openMutualTls} needs beside the settings. */
export interface MutualTlsOptions {
  readonly usage: Usage;
  /** The contracts of this process, which say who may serve them; undefined for none. */
  readonly descriptorSet: Uint8Array | undefined;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log?: Logger;
}

/**
 * Reads the certificate of this process. Undefined if TLS is off.
 *
 * @throws Error that names the variables or files at fault.
 */
export function openMutualTls(settings: TlsSettings, options: MutualTlsOptions): MutualTls | undefined {
  const { mode, minVersion } = settings;
  if (mode === 'off') return undefined;
  const { usage, descriptorSet, clock, wallClock, log = silentLogger } = options;
  const files = requireFiles(settings);
  const identity = new ProcessIdentity({ files, usage, clock, wallClock, log });
  return { mode, minVersion: `TLSv${minVersion}`, identity, servedBy: servedByOf(descriptorSet) };
}

const NAMES = { cert: 'RONDO_TLS_CERT', key: 'RONDO_TLS_KEY', ca: 'RONDO_TLS_CA' } as const;

function requireFiles(settings: TlsSettings): CertificateFiles {
  const { cert, key, ca } = findFiles(settings);
  if (cert !== undefined && key !== undefined && ca !== undefined) return { cert, key, ca };
  const missing = Object.entries({ cert, key, ca }).filter(([, file]) => file === undefined);
  const named = missing.map(([name]) => NAMES[name as keyof typeof NAMES]).join(', ');
  throw new Error(`RONDO_TLS=${settings.mode} needs a certificate: set RONDO_TLS_DIR to its folder, or also ${named}`);
}

/** A process's environment. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `RONDO_TLS`, `RONDO_TLS_DIR`, `RONDO_TLS_CERT`, `RONDO_TLS_KEY`, `RONDO_TLS_CA` and `RONDO_TLS_MIN_VERSION`.
 *
 * @throws TypeError that names the variable and its rule.
 */
export function readTlsSettings(environment: Environment): TlsSettings {
  const textOf = (name: string) => environment[name]?.trim() || undefined;
  return {
    mode: oneOf(TLS_MODES, 'RONDO_TLS', textOf('RONDO_TLS') ?? 'off'),
    minVersion: oneOf(TLS_VERSIONS, 'RONDO_TLS_MIN_VERSION', textOf('RONDO_TLS_MIN_VERSION') ?? '1.3'),
    folder: textOf('RONDO_TLS_DIR'),
    cert: textOf(NAMES.cert),
    key: textOf(NAMES.key),
    ca: textOf(NAMES.ca),
  };
}

function oneOf<T extends string>(values: readonly T[], name: string, text: string): T {
  const found = values.find((value) => value === text);
  if (found === undefined) throw new TypeError(`${name}=${text}: give ${values.join(' or ')}`);
  return found;
}
