import { balancing } from '@rondo/balancing';
import { type Channel, createChannel, createRegistryChannel, staticResolver } from '@rondo/rpc/client';
import {
  defaultChannel,
  type MutualTls,
  peerTransport,
  type Transport,
  TransportError,
  type TransportFactory,
} from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { naiveResolver, type RegistryOptions } from './naive-resolver.js';
import type { ClientGuard, LoadOptions } from './protocol.js';

const CONNECT_TIMEOUT_MS = 120_000;

/** The channel of a load: the process's own, as every client has it, or one that goes without a guard. */
export function channelOf(
  { registry, addresses, through, without }: LoadOptions,
  mutualTls: MutualTls | undefined,
): Channel {
  if (addresses === undefined)
    return without === undefined ? defaultChannel({ policies }) : NAIVE[without]({ registry, mutualTls });
  const served = through === undefined ? {} : { servedBy: () => [through] };
  return createChannel({ resolver: staticResolver(addresses), mutualTls: mutualTls && { ...mutualTls, ...served } });
}

const policies = balancing;

/** Clients that go without one guard each. */
const NAIVE: Readonly<Record<ClientGuard, (options: RegistryOptions) => Channel>> = {
  'last-known-good': (options) => pollingChannel(options, 200),
  watch: (options) => pollingChannel(options, 15_000),
  elsewhere: (options) => createRegistryChannel({ ...options, transport: blindTransport }),
  'connect-timeout': (options) => createRegistryChannel({ ...options, transport: patientTransport }),
  // The load with this one hedges, which needs the plugin.
  keepalive: (options) => createRegistryChannel({ ...options, policies, transport: unwatchedTransport }),
  // Its calls wait for an instance.
  'fail-fast': () => defaultChannel({ policies }),
};

const pollingChannel = (options: RegistryOptions, everyMs: number) =>
  createChannel({ resolver: naiveResolver(options, everyMs), mutualTls: options.mutualTls });

/** Doesn't know that the server takes pings. */
const unwatchedTransport: TransportFactory = (address, { mutualTls, servers } = {}) =>
  peerTransport(address, { mutualTls, servers });

/** Reports `ready` whatever the state of its connection is, and lets no call be retried on another instance. */
const blindTransport = (address: string, options: Parameters<typeof peerTransport>[1]): Transport => {
  const inner = peerTransport(address, options);
  return {
    state: 'ready',
    lastError: undefined,
    subscribe: () => () => undefined,
    connect: () => Promise.resolve(),
    call: (wire) =>
      inner
        .connect(wire.context.signal)
        .then(() => inner.call(wire))
        .catch(rethrowAsFinal),
    close: () => inner.close(),
  };
};

/** A blind transport that takes up to two minutes to connect. */
const patientTransport: TransportFactory = (address, options) =>
  blindTransport(address, { ...options, connectTimeoutMs: CONNECT_TIMEOUT_MS });

/** A failure that comes from a server which asks for no retry isn't retried on another instance. */
function rethrowAsFinal(error: unknown): never {
  throw error instanceof TransportError ? new RpcError(error.code, error.message, { retryPushbackMs: -1 }) : error;
}
