import { type Channel, createChannel } from '../channel/channel.js';
import type { ChannelPolicies } from '../channel/policies.js';
import type { AuthPolicy } from '../contract/auth-policy.js';
import type { ServiceDefinition } from '../contract/definition.js';
import { joinParts, type Part } from '../part/part.js';
import { staticResolver } from '../resolver/static.js';
import { createAuthorize } from '../server/authorize.js';
import { type AnyHandler, type Handlers, type ServiceImplementation, unimplemented } from '../server/handlers.js';
import { createRouter, type RouterOptions } from '../server/router.js';
import { createMemoryNetwork } from '../transport/memory/network.js';
import { createMemoryOutcomes } from './memory-outcomes.js';

/** Options of {@link createTestChannel}. The client uses the same clocks. */
export interface TestChannelOptions extends RouterOptions {
  /** The SPIFFE id of the process that calls, as if its certificate had been verified; none by default. */
  readonly identity?: string | undefined;
  /** Whether calls are refused that the contracts don't allow, as with `RONDO_AUTH=on`. False by default. */
  readonly authorize?: boolean;
  /** Who may call the services whose contracts don't say it, by their full names; an app has it. */
  readonly auth?: Readonly<Record<string, AuthPolicy>>;
  /** The parts of the app that is tested: their services, middleware and outcomes are joined to it. */
  readonly parts?: readonly Part[];
  /** The policies of the plugin `@rondo/balancing`, if the app has it. */
  readonly policies?: ChannelPolicies | undefined;
}

/**
 * A channel to the given services in this process. Only the network is simulated; every other layer is the real one,
 * but an error leads by its `cause` to what the handler threw. Without a store for the outcomes of calls
 * with idempotency keys, they are kept in memory.
 */
export function createTestChannel(options: TestChannelOptions): Channel {
  const { identity, authorize = false, auth = {}, parts = [], services, middleware = [], outcomes } = options;
  const joined = joinParts([...parts, { services, middleware, ...(outcomes && { outcomes }) }]);
  const chain = [...joined.observers, ...(authorize ? [createAuthorize(auth)] : []), ...joined.middleware];
  const network = createMemoryNetwork({ identity });
  network.listen(
    'memory',
    createRouter({ outcomes: createMemoryOutcomes(), ...options, ...joined, middleware: chain }),
  );
  const { clock, wallClock, random, logger, policies } = options;
  return createChannel({
    resolver: staticResolver(['memory']),
    transport: network.transport,
    policies,
    ...(clock && { clock }),
    ...(wallClock && { wallClock }),
    ...(random && { random }),
    ...(logger && { logger }),
  });
}

/**
 * A service with only some of its handlers. Other methods answer `UNIMPLEMENTED`, so that a method added to the
 * contract breaks no test that doesn't need it.
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
