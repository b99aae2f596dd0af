import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import type { SharedConfig } from '../config/shared.js';

/** What every part of a process shares. */
export interface Scene {
  /** The process's name. */
  readonly name: string;
  readonly config: SharedConfig;
  readonly instanceId: string;
  /** When the process started. */
  readonly startedAt: Date;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly log: Logger;
}
