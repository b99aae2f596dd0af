import { setTimeout as delay } from 'node:timers/promises';
import { type Channel, createChannel, createRegistryChannel, staticResolver } from '@rondo/rpc/client';
import {
  defaultChannel,
  grpcTransport,
  type Transport,
  TransportError,
  type TransportFactory,
} from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { pollingResolver, trustingResolver } from './naive-resolvers.js';
import type { ClientGuard, LoadOptions } from './protocol.js';

const RETRY_MS = 100;
const CONNECT_TIMEOUT_MS = 120_000;

/** The channel of a load: the process's own, as every client has it, or one that goes without a guard. */
export function channelOf({ registry, addresses, without }: LoadOptions): Channel {
  if (addresses !== undefined) return createChannel({ resolver: staticResolver(addresses) });
  return without === undefined ? defaultChannel() : NAIVE[without](registry);
}

/** Clients that go without one guard each. */
const NAIVE: Readonly<Record<ClientGuard, (registry: readonly string[]) => Channel>> = {
  'last-known-good': (registry) => createChannel({ resolver: trustingResolver(registry) }),
  watch: (registry) => createChannel({ resolver: pollingResolver(registry) }),
  elsewhere: (registry) => createRegistryChannel({ registry, transport: blindTransport }),
  'connect-timeout': (registry) => createRegistryChannel({ registry, transport: patientTransport }),
  keepalive: (registry) => createRegistryChannel({ registry, transport: (address) => grpcTransport(address) }),
  'fail-fast': (registry) => createRegistryChannel({ registry, transport: waitingTransport }),
};

/** Reports `ready` whatever the state of its connection is, and lets no call be retried on another instance. */
const blindTransport: TransportFactory = (...endpoint: Parameters<TransportFactory>) => {
  const inner = grpcTransport(...endpoint);
  return blind(inner, (signal) => inner.connect(signal));
};

/** A blind transport that takes up to two minutes to connect. */
const patientTransport: TransportFactory = (address, options) => {
  const inner = grpcTransport(address, { ...options, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  return blind(inner, (signal) => inner.connect(signal));
};

/** A blind transport that connects again and again until the call's deadline. */
const waitingTransport: TransportFactory = (...endpoint: Parameters<TransportFactory>) => {
  const inner = grpcTransport(...endpoint);
  return blind(inner, async (signal) => {
    while (inner.state !== 'shutdown') {
      try {
        await inner.connect(signal);
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        await delay(RETRY_MS, undefined, { signal });
      }
    }
  });
};

function blind(inner: Transport, connect: (signal: AbortSignal) => Promise<void>): Transport {
  return {
    state: 'ready',
    lastError: undefined,
    subscribe: () => () => undefined,
    connect: () => Promise.resolve(),
    call: (wire) =>
      connect(wire.context.signal)
        .then(() => inner.call(wire))
        .catch(rethrowAsFinal),
    close: () => inner.close(),
  };
}

/** A failure that comes from a server which asks for no retry isn't retried on another instance. */
function rethrowAsFinal(error: unknown): never {
  throw error instanceof TransportError ? new RpcError(error.code, error.message, { retryPushbackMs: -1 }) : error;
}
