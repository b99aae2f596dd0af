/** Connections as they are often used: what a client goes without in a control run. */
import { setTimeout as delay } from 'node:timers/promises';
import { RpcError } from '@rondo/rpc/status';
import { grpcTransport, type Transport, TransportError, type TransportFactory } from '@rondo/rpc/transport';

const RETRY_MS = 100;
const PATIENCE_MS = 120_000;

/** Passes for connected whatever becomes of it, and lets no call be made elsewhere. */
export const blindTransport: TransportFactory = (...endpoint: Parameters<TransportFactory>) => {
  const inner = grpcTransport(...endpoint);
  return blind(inner, (signal) => inner.connect(signal));
};

/** The same, with all the time in the world to connect. */
export const patientTransport: TransportFactory = (address, options) => {
  const inner = grpcTransport(address, { ...options, connectTimeoutMs: PATIENCE_MS });
  return blind(inner, (signal) => inner.connect(signal));
};

/** The same, and connects for as long as its caller waits. */
export const waitingTransport: TransportFactory = (...endpoint: Parameters<TransportFactory>) => {
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
      connect(wire.limit.signal)
        .then(() => inner.call(wire))
        .catch(rethrowAsFinal),
    close: () => inner.close(),
  };
}

/** A failure that says nothing of the connection isn't tried elsewhere. */
function rethrowAsFinal(error: unknown): never {
  throw error instanceof TransportError ? new RpcError(error.code, error.message) : error;
}
