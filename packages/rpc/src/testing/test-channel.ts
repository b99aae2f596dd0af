import { type Channel, createChannel } from '../client/index.js';
import type { ServiceDefinition } from '../contract/index.js';
import { staticResolver } from '../resolver/index.js';
import {
  type AnyHandler,
  createRouter,
  type Handlers,
  type RouterOptions,
  type ServiceImplementation,
  unimplemented,
} from '../server/index.js';
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

/**
 * A service as far as a test needs it: what `handlers` leaves out answers `UNIMPLEMENTED`, so that a method that is added
 * to the contract breaks no test that has no use for it.
 */
export function standIn<D extends ServiceDefinition>(
  definition: D,
  handlers: Partial<Handlers<NoInfer<D>>>,
): ServiceImplementation {
  const left = unimplemented(`the stand-in for ${definition.fullName}`);
  const all: Record<string, AnyHandler> = {};
  for (const name of Object.keys(definition.methods)) all[name] = left;
  return { definition, handlers: { ...all, ...handlers } };
}
