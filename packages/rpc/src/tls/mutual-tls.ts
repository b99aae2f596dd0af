import type { Clock, WallClock } from '@rondo/base';
import { type Logger, silentLogger } from '../call/call.js';
import type { Usage } from './certificate.js';
import { filesIn } from './certificate-files.js';
import { ProcessIdentity } from './identity.js';
import { type ServedBy, servedByOf } from './served-by.js';

/** Whether connections are encrypted: never, where both ends can, or always. */
export const TLS_MODES = ['off', 'permissive', 'on'] as const;

/** The oldest version of TLS that is spoken. A client of TLS 1.2 could ask for handshake after handshake over one connection. */
export const MIN_VERSION = 'TLSv1.3' as const;

/** How a process encrypts its connections to other processes of its system. */
export interface TlsSettings {
  readonly mode: (typeof TLS_MODES)[number];
  /** The folder of its certificate; undefined for none. */
  readonly folder: string | undefined;
}

/** Mutual TLS: each end of a connection proves by a certificate which process it is. */
export interface MutualTls {
  /** `on`: every connection uses TLS. `permissive`: connections with peers without TLS are plaintext. */
  readonly mode: 'permissive' | 'on';
  readonly identity: ProcessIdentity;
  readonly servedBy: ServedBy;
}

/** What {@link openMutualTls} needs besides the settings. */
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
  const { mode, folder } = settings;
  if (mode === 'off') return undefined;
  if (folder === undefined) {
    throw new Error(`RONDO_TLS=${mode} needs a certificate: set RONDO_TLS_DIR to its folder`);
  }
  const { usage, descriptorSet, clock, wallClock, log = silentLogger } = options;
  const identity = new ProcessIdentity({ files: filesIn(folder), usage, clock, wallClock, log });
  return { mode, identity, servedBy: servedByOf(descriptorSet) };
}

/** A process's environment. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `RONDO_TLS` and `RONDO_TLS_DIR`.
 *
 * @throws TypeError that names the variable and its rule.
 */
export function readTlsSettings(environment: Environment): TlsSettings {
  const textOf = (name: string) => environment[name]?.trim() || undefined;
  return {
    mode: oneOf(TLS_MODES, 'RONDO_TLS', textOf('RONDO_TLS') ?? 'off'),
    folder: textOf('RONDO_TLS_DIR'),
  };
}

function oneOf<T extends string>(values: readonly T[], name: string, text: string): T {
  const found = values.find((value) => value === text);
  if (found === undefined) throw new TypeError(`${name}=${text}: give ${values.join(' or ')}`);
  return found;
}
