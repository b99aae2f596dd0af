import type { PartDatabase } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Clock, Random } from '@rondo/rpc/clock';
import type { PartContext } from '@rondo/rpc/internal';
import type { Attempt } from './attempt.js';
import type { StoredMethod } from './contract.js';
import type { JobMeter } from './metrics.js';
import type { claimJobs } from './store.js';

/** The observers of stored calls. */
export interface Words {
  /** Such as `job`. */
  readonly noun: string;
  /** What an operator does about one that has failed. */
  readonly remedy: string;
}

/** What a {@link Worker} needs. */
export interface WorkerOptions {
  readonly database: PartDatabase;
  /** The methods of stored calls, by name. */
  readonly methods: () => ReadonlyMap<string, StoredMethod>;
  readonly claim: typeof claimJobs;
  /** How many calls of a method the process makes at once. */
  readonly mostAtOnce: number;
  /** The idempotency key of a call. */
  readonly keyOf: (attempt: Attempt) => string;
  /** What a handler gets besides the key. */
  readonly metadataOf?: (attempt: Attempt) => Readonly<Record<string, string>>;
  /** Whether an operator's retry of what has failed for good has a key of its own, as the outcome of the first is stored. */
  readonly retriesAnew: boolean;
  /** Whether an attempt that an instance turned away as unavailable counts. */
  readonly countsAway: boolean;
  readonly words: Words;
  readonly channel: Channel;
  /** By it the process serves calls that it makes. */
  readonly loopback: PartContext['loopback'];
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: JobMeter;
  /** Called before each round of claims, and about once a second while there is work. Resolves to whether there is more to claim. */
  readonly prepare: (signal: AbortSignal) => Promise<boolean>;
}
