import { backgroundClock, systemClock, systemRandom, systemWallClock } from '@rondo/base';
import { silentLogger } from '../call/call.js';
import { type Channel, createChannel } from '../channel/channel.js';
import { staticResolver } from '../resolver/static.js';
import type { PartContext } from './part.js';

/** The options of a part that may take the rest from the database of its service. */
export interface PartOptions extends Partial<PartContext> {
  readonly database?: {
    readonly process?: PartContext | undefined;
    /** How long it may be away before the service refuses calls. Milliseconds. */
    readonly graceMs?: number | undefined;
  };
}

/** What a part works with: its own options, else the process of its database, else the system's clocks, and no log and no other service. */
export function processOf(options: PartOptions): PartContext & { readonly channel: Channel } {
  const { process } = options.database ?? {};
  return {
    log: options.log ?? process?.log ?? silentLogger,
    wallClock: options.wallClock ?? process?.wallClock ?? systemWallClock,
    random: options.random ?? process?.random ?? systemRandom,
    clock: options.clock ?? (process ? backgroundClock(process.clock) : systemClock),
    get channel() {
      return options.channel ?? process?.channel ?? createChannel({ resolver: staticResolver([]) });
    },
    loopback: options.loopback ?? process?.loopback,
    mayServe: options.mayServe ?? process?.mayServe,
    meter: options.meter ?? process?.meter,
    plugin: options.plugin ?? process?.plugin,
  };
}
