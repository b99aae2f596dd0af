import type { ServiceDefinition } from '../contract/index.js';
import type { Middleware } from '../middleware/index.js';
import { bindClient } from './bind-client.js';
import type { Channel } from './channel.js';
import type { Client } from './client.js';
import type { ClientCall } from './client-call.js';
import { defaultChannel } from './default-channel.js';

/** How a client is made. */
export interface ClientOptions {
  /** How its calls leave the process; over the registry at `RONDO_REGISTRY` by default. */
  readonly channel?: Channel;
  /** Runs around every call, whatever number of instances it is tried at; the first listed is outermost. */
  readonly middleware?: readonly Middleware<ClientCall>[];
  /**
   * For a contract that many services serve, each for itself: calls go to the instances of this service, by its fully
   * qualified name, such as `projects.v1.ProjectService`. It is looked up at the first call, and balanced as its own
   * contract says where a client of that was made before.
   */
  readonly at?: string;
}

/**
 * Makes a client from the service's contract alone: it needs no address. The service is looked up at once, so that a
 * registry that goes away before the first call does no harm.
 */
export function createClient<D extends ServiceDefinition>(definition: D, options: ClientOptions = {}): Client<D> {
  return bindClient(definition, { ...options, channel: options.channel ?? defaultChannel() });
}
