import type { Logger } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { createLocalJWKSet, errors, type FlattenedJWSInput, type JWSHeaderParameters } from 'jose';
import { credentialErrors } from '../errors.js';
import type { ReadKeys } from './key-source.js';

/** How long a set is used before it is read again, so that keys which the issuer withdraws are forgotten. Milliseconds. */
const FRESH_MS = 10 * 60_000;
/** How long the last set is used while the issuer is away. Milliseconds. */
const KEEP_MS = 24 * 60 * 60_000;
/** The pause after a read that didn't find a token's key. Milliseconds. */
const COOLDOWN_MS = 10_000;
/** When a read that failed is tried again. Milliseconds. */
const RETRY_MS = 2_000;

const NEVER = Number.NEGATIVE_INFINITY;

interface Held {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly readAt: number;
}

/** What a {@link KeySet} needs. */
export interface KeySetOptions {
  readonly issuer: string;
  readonly read: ReadKeys;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The public keys of an issuer. A token with an unknown key id, or a signature by another key, causes a read, which all such tokens
 * share. After a read that doesn't find the key, the next one waits for 10 s, so that false tokens can't make this process flood the
 * issuer. After a read that finds it there is no pause, because an issuer may rotate its keys at any time.
 */
export class KeySet {
  /** Changes with each read. What was verified by an earlier set has to be verified again. */
  revision = 0;
  readonly #options: KeySetOptions;
  #held: Held | undefined;
  #reading: Promise<void> | undefined;
  /** Why the last read failed; undefined if it succeeded. */
  #fault: unknown;
  #refreshAt = NEVER;
  #readAgainAt = NEVER;

  constructor(options: KeySetOptions) {
    this.#options = options;
  }

  /** Whether what was verified by the set of this revision still holds. Reads the set again in the background if it is due. */
  holds(revision: number): boolean {
    this.#refresh();
    return revision === this.revision && this.#usable(this.#options.clock.now()) !== undefined;
  }

  #refresh(): void {
    const now = this.#options.clock.now();
    if (this.#held === undefined || now < this.#refreshAt || this.#reading !== undefined) return;
    void this.#read();
  }

  /**
   * The key of a token.
   *
   * @throws RpcError `UNAVAILABLE` if the key isn't known and the issuer is away; an error of jose if it isn't the issuer's.
   */
  readonly find = async (header: JWSHeaderParameters, token: FlattenedJWSInput) => {
    const { clock, issuer } = this.#options;
    this.#refresh();
    const held = this.#usable(clock.now());
    if (held !== undefined) {
      const key = await held.find(header, token).catch(orUnknown);
      if (key !== undefined) return key;
    }
    const before = this.revision;
    const isRead = await this.renew();
    const renewed = this.#usable(clock.now());
    if (renewed === undefined || (!isRead && this.#fault !== undefined))
      throw credentialErrors.ISSUER_AWAY({ issuer }, { cause: this.#fault });
    const key = await renewed.find(header, token);
    if (this.revision !== before) this.#readAgainAt = NEVER;
    return key;
  };

  #usable(now: number): Held | undefined {
    return this.#held !== undefined && now - this.#held.readAt < KEEP_MS ? this.#held : undefined;
  }

  /** Reads the set for a token that has no key in it, or not this one, unless it is in a pause. Returns whether it was read just now. */
  async renew(): Promise<boolean> {
    const { clock } = this.#options;
    if (this.#reading === undefined) {
      if (clock.now() < this.#readAgainAt) return false;
      this.#readAgainAt = clock.now() + COOLDOWN_MS;
    }
    await (this.#reading ?? this.#read());
    return this.#fault === undefined;
  }

  #read(): Promise<void> {
    this.#reading = this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const { clock, issuer, log, read } = this.#options;
    try {
      const find = createLocalJWKSet(await read());
      const now = clock.now();
      this.#held = { find, readAt: now };
      this.#refreshAt = now + FRESH_MS;
      this.revision += 1;
      if (this.#fault !== undefined) log.info({ issuer }, "the issuer's keys can be read again");
      this.#fault = undefined;
    } catch (fault) {
      if (this.#fault === undefined)
        log.warn({ err: fault, issuer }, "the issuer's keys can't be read: known keys stay");
      this.#fault = fault;
      this.#refreshAt = this.#readAgainAt = clock.now() + RETRY_MS;
    }
  }
}

function orUnknown(error: unknown): undefined {
  if (error instanceof errors.JWKSNoMatchingKey) return undefined;
  throw error;
}
