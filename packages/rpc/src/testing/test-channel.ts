import { type Channel, createChannel } from '../client/index.js';
import { staticResolver } from '../resolver/index.js';
import { createRouter, type RouterOptions } from '../server/index.js';
import { createMemoryNetwork } from '../transport/index.js';

/** A channel that reaches the given services in this process: every layer but the network is the real one. */
export function createTestChannel(options: RouterOptions): Channel {
  const network = createMemoryNetwork();
  network.listen('memory', createRouter(options));
  const { clock, random, logger } = options;
  return createChannel({
    resolver: staticResolver(['memory']),
    transport: network.transport,
    ...(clock && { clock }),
    ...(random && { random }),
    ...(logger && { logger }),
  });
}
