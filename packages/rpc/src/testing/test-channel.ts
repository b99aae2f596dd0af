import { type Channel, createChannel } from '../client/index.js';
import { staticResolver } from '../resolver/index.js';
import { createRouter, type RouterOptions } from '../server/index.js';
import { createMemoryNetwork } from '../transport/index.js';

/** What a test channel is made from: its clocks are its client's, too. */
export type TestChannelOptions = RouterOptions;

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
