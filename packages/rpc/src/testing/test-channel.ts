import { type Channel, createChannel } from '../client/index.js';
import type { WallClock } from '../clock/index.js';
import { staticResolver } from '../resolver/index.js';
import { createRouter, type RouterOptions } from '../server/index.js';
import { createMemoryNetwork } from '../transport/index.js';

/** What a test channel is made from. */
export interface TestChannelOptions extends RouterOptions {
  /** By which its client understands deadlines that are dates. */
  readonly wallClock?: WallClock;
}

/** A channel that reaches the given services in this process: every layer but the network is the real one. */
export function createTestChannel(options: TestChannelOptions): Channel {
  const network = createMemoryNetwork();
  network.listen('memory', createRouter(options));
  const { clock, wallClock, random, logger } = options;
  return createChannel({
    resolver: staticResolver(['memory']),
    transport: network.transport,
    ...(clock && { clock }),
    ...(wallClock && { wallClock }),
    ...(random && { random }),
    ...(logger && { logger }),
  });
}
