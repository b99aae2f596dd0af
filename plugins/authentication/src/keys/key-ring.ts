import { statSync } from 'node:fs';
import type { Logger, Principal } from '@rondo/rpc/call';
import type { Clock, Timer, WallClock } from '@rondo/rpc/clock';
import { credentialErrors } from '../errors.js';
import { hashOfApiKey, idOfApiKey, isSameHash, type StoredKey } from './api-key.js';
import { readKeyFile } from './key-file.js';

/** How often the file is looked at: a revoked key is refused within this time. Milliseconds. */
const CHECK_MS = 2_000;
/** The issuer of principals with API keys. */
const ISSUER = 'api-keys';

/** What a {@link KeyRing} needs. */
export interface KeyRingOptions {
  /** The file of `rondo keys`. */
  readonly file: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Logger;
}

/** The API keys of a file that is checked for changes. If it becomes malformed, the last valid keys stay. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  #keys: ReadonlyMap<string, StoredKey>;
  #version = '';
  #fault: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  /** @throws Error if the file is malformed. */
  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#keys = this.#read();
  }

  /** Checks the file from now on, without keeping the process alive. */
  watch(): void {
    if (this.#closed) return;
    const next = () => {
      this.check();
      this.watch();
    };
    this.#timer = this.#options.clock.setTimer(CHECK_MS, next, { keepAlive: false });
  }

  /** Reads the file if it has changed. */
  check(): void {
    const { file, log } = this.#options;
    try {
      const version = versionOf(file);
      if (version === this.#version) return;
      this.#keys = this.#read();
      this.#version = version;
      this.#fault = undefined;
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      if (fault !== this.#fault) log.warn({ reason: fault }, "the API keys can't be read: the last ones stay");
      this.#fault = fault;
    }
  }

  /** @throws RpcError `UNAUTHENTICATED` if the text is not one of the keys. */
  verify(text: string): Principal {
    const id = idOfApiKey(text);
    const key = id === undefined ? undefined : this.#keys.get(id);
    // One answer to all: it doesn't tell which ids there are.
    if (key === undefined || !isSameHash(hashOfApiKey(text), key.hash)) {
      throw credentialErrors.REFUSED({ reason: 'the API key is unknown, or it is revoked' });
    }
    const expireTime = new Date(key.expires);
    if (this.#options.wallClock.now() >= expireTime)
      throw credentialErrors.REFUSED({ reason: 'the API key has expired' });
    return { subject: key.subject, issuer: ISSUER, scopes: key.scopes, actors: [], expireTime };
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #read(): ReadonlyMap<string, StoredKey> {
    return new Map(readKeyFile(this.#options.file).map((key) => [key.id, key]));
  }
}

/** Without a file there are no keys: to remove it revokes them all. */
function versionOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.mtimeMs} ${found.dev} ${found.ino} ${found.size}`;
}
