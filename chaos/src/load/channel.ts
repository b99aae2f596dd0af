import { type Channel, createChannel, createRegistryChannel, defaultChannel } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { grpcTransport } from '@rondo/rpc/transport';
import { pollingResolver, trustingResolver } from './naive-resolvers.js';
import { blindTransport, patientTransport, waitingTransport } from './naive-transports.js';
import type { ClientGuard, LoadOptions } from './options.js';

/** Clients that go without one guard each. */
const NAIVE: Readonly<Record<ClientGuard, (registry: readonly string[]) => Channel>> = {
  'last-known-good': (registry) => createChannel({ resolver: trustingResolver(registry) }),
  watch: (registry) => createChannel({ resolver: pollingResolver(registry) }),
  elsewhere: (registry) => createRegistryChannel({ registry, transport: blindTransport }),
  'connect-timeout': (registry) => createRegistryChannel({ registry, transport: patientTransport }),
  keepalive: (registry) => createRegistryChannel({ registry, transport: (address) => grpcTransport(address) }),
  'fail-fast': (registry) => createRegistryChannel({ registry, transport: waitingTransport }),
};

/** The channel of a load: the process's own, as every caller has it, or one that goes without a guard. */
export function channelOf({ registry, addresses, without }: LoadOptions): Channel {
  if (addresses !== undefined) return createChannel({ resolver: staticResolver(addresses) });
  return without === undefined ? defaultChannel() : NAIVE[without](registry);
}
