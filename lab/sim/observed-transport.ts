import { WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Transport, type TransportFactory, wrapTransport } from '@rondo/rpc/internal';
import { REGISTRY_ADDRESS } from './registry-process.js';

/** Observes a client's connections. */
export interface TransportObserver {
  /** The client's watch begins. */
  onWatch(): void;
  onResponse(response: WatchResponse): void;
  /** A call goes to an instance. `waited` is true if the call had to wait for a connection. */
  onPick(address: string, waited: boolean): void;
}

/** Wraps a client's transports so that `observer` sees what crosses them. */
export function observed(transports: TransportFactory, observer: TransportObserver): TransportFactory {
  return (address, ...options) => {
    const inner = transports(address, ...options);
    return address === REGISTRY_ADDRESS
      ? wrapTransport(inner, { call: watching(inner.call, observer) })
      : picking(inner, address, observer);
  };
}

function watching(call: Transport['call'], observer: TransportObserver): Transport['call'] {
  return async (wire) => {
    const reply = await call(wire);
    if (!reply.response.stream || !wire.path.endsWith('/Watch')) return reply;
    observer.onWatch();
    const { messages } = reply.response;
    return {
      ...reply,
      response: { stream: true, messages: { [Symbol.asyncIterator]: () => observedMessages(messages, observer) } },
    };
  };
}

function observedMessages(messages: AsyncIterable<Uint8Array>, observer: TransportObserver): AsyncIterator<Uint8Array> {
  const iterator = messages[Symbol.asyncIterator]();
  return {
    async next() {
      const step = await iterator.next();
      if (step.done !== true) observer.onResponse(WatchResponse.decode(step.value));
      return step;
    },
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
  };
}

function picking(inner: Transport, address: string, observer: TransportObserver): Transport {
  let waiting = 0;
  return wrapTransport(inner, {
    async connect(signal) {
      waiting += 1;
      try {
        await inner.connect(signal);
      } finally {
        // A call that waited starts in this turn of the event loop, or never.
        queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => (waiting -= 1))));
      }
    },
    call(wire) {
      if (wire.background !== true) observer.onPick(address, waiting > 0);
      return inner.call(wire);
    },
  });
}
