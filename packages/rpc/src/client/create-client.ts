import type { ClientCall } from '../call/client-call.js';
import type { Channel } from '../channel/channel.js';
import { defaultChannel } from '../client/default-channel.js';
import type { ServiceDefinition } from '../contract/definition.js';
import type { Middleware } from '../middleware/middleware.js';
import { bindClient, type Client } from './client.js';

/** Options of {@link createClient}. */
export interface ClientOptions {
  /** The channel that carries the calls. Default: the process's channel over the registry at `RONDO_REGISTRY`. */
  readonly channel?: Channel;
  /** Middleware that runs once per call, around all its attempts. The first listed is outermost. */
  readonly middleware?: readonly Middleware<ClientCall>[];
  /**
   * The fully qualified service whose instances are called, such as `projects.v1.ProjectService`, for a contract
   * that several services implement. The service is looked up at the first call. Its balancing is that of its own
   * contract if this process has made a client of that contract before.
   */
  readonly at?: string;
}

/**
 * Creates a client from a service's generated definition. No address is needed: the channel's resolver finds the
 * instances. The lookup starts now, so a registry that fails before the first call does no harm.
 */
export function createClient<D extends ServiceDefinition>(definition: D, options: ClientOptions = {}): Client<D> {
  return bindClient(definition, { ...options, channel: options.channel ?? defaultChannel() });
}
