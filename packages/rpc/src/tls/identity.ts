import type { X509Certificate } from 'node:crypto';
import type { Clock, Timer, WallClock } from '@rondo/base';
import type { Logger } from '../call/call.js';
import { checkCertificate, type ProcessCertificate, type Usage } from './certificate.js';
import { type CertificateFiles, readFiles, versionOf } from './certificate-files.js';

/** How often the files are looked at. Milliseconds. */
const CHECK_MS = 5_000;
/** The part of a certificate's life after which a log line asks for its renewal. */
const RENEW_AFTER = 2 / 3;
/** How long after such a line the next comes. Milliseconds. */
const REMIND_MS = 60 * 60_000;

/** What an identity is opened with. */
export interface IdentityOptions {
  readonly files: CertificateFiles;
  readonly usage: Usage;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Logger;
}

/**
 * The process's certificate, read from files. Changed files take effect for new connections; if they are invalid,
 * the last valid certificate stays.
 */
export class ProcessIdentity {
  readonly #options: IdentityOptions;
  readonly #listeners = new Set<(certificate: ProcessCertificate) => void>();
  #current: ProcessCertificate;
  #version = '';
  #timer: Timer | undefined;
  #remindAt = Number.NEGATIVE_INFINITY;
  #closed = false;
  /** Why the files that are there now aren't used; undefined if they are. */
  fault: string | undefined;

  /** @throws Error that names the files and what is wrong with them. */
  constructor(options: IdentityOptions) {
    this.#options = options;
    this.#current = this.#read();
  }

  get current(): ProcessCertificate {
    return this.#current;
  }

  /** Whether a peer's certificate has expired by now. TLS doesn't look at that of a session that is resumed. */
  hasExpired({ validTo }: Pick<X509Certificate, 'validTo'>): boolean {
    return this.#options.wallClock.now() > new Date(validTo);
  }

  /** Calls `listener` after each change, until the returned function is called. */
  onChange(listener: (certificate: ProcessCertificate) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Checks the files every 5 s from now on, without keeping the process alive. */
  watch(): void {
    if (this.#closed) return;
    const next = () => void this.check().then(() => this.watch());
    this.#timer = this.#options.clock.setTimer(CHECK_MS, next, { keepAlive: false });
  }

  /** Takes the files if they have changed and can be used. */
  async check(): Promise<void> {
    const { files, log } = this.#options;
    try {
      const version = await versionOf([files.cert, files.key, files.ca]);
      if (version !== this.#version) this.#take(version);
    } catch (error) {
      // Each fault is logged once: it may last, or a writer may be in the middle of its work.
      const fault = error instanceof Error ? error.message : String(error);
      if (fault !== this.fault) log.warn({ reason: fault }, "the new certificate can't be used: the last one stays");
      this.fault = fault;
    }
    this.#remind();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #take(version: string): void {
    const certificate = this.#read();
    this.#version = version;
    this.fault = undefined;
    const before = this.#current;
    if (isSame(certificate, before)) return;
    if (certificate.id.uri !== before.id.uri) {
      throw new Error(`it is for ${certificate.id.uri}, and this process is ${before.id.uri}: restart it to rename it`);
    }
    this.#current = certificate;
    this.#remindAt = Number.NEGATIVE_INFINITY;
    const { id, validTo } = certificate;
    this.#options.log.info({ identity: id.uri, validTo: validTo.toISOString() }, 'a new certificate is in use');
    for (const listener of [...this.#listeners]) listener(certificate);
  }

  #read(): ProcessCertificate {
    const { files, usage, wallClock } = this.#options;
    try {
      return checkCertificate(readFiles(files), usage, wallClock.now());
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${reason} (${files.cert}, ${files.key}, ${files.ca})`, { cause });
    }
  }

  #remind(): void {
    const { clock, wallClock, log } = this.#options;
    const { id, validTo } = this.#current;
    if (lifeUsed(this.#current, wallClock.now()) < RENEW_AFTER || clock.now() < this.#remindAt) return;
    this.#remindAt = clock.now() + REMIND_MS;
    const expired = wallClock.now() > validTo;
    const text = expired
      ? 'the certificate has expired, so that new connections fail: renew it'
      : 'two thirds of the life of the certificate are over: renew it';
    log.warn({ identity: id.uri, validTo: validTo.toISOString() }, text);
  }
}

/** Which part of its life a certificate has lived: 0 to 1, and more once it has expired. */
export function lifeUsed({ validFrom, validTo }: Pick<ProcessCertificate, 'validFrom' | 'validTo'>, now: Date): number {
  return (now.getTime() - validFrom.getTime()) / (validTo.getTime() - validFrom.getTime());
}

function isSame(one: ProcessCertificate, other: ProcessCertificate): boolean {
  return one.cert.equals(other.cert) && one.key.equals(other.key) && one.ca.equals(other.ca);
}
