import type { Transport } from './transport.js';

/** What is put in the place of a transport's own. */
export type TransportParts = Partial<Pick<Transport, 'connect' | 'call'>>;

/** A transport that does as `inner` does, but for `parts`: what watches connections or calls stands around them so. */
export function wrapTransport(inner: Transport, { connect, call }: TransportParts): Transport {
  return {
    get state() {
      return inner.state;
    },
    get lastError() {
      return inner.lastError;
    },
    subscribe: (listener) => inner.subscribe(listener),
    connect: connect ?? ((signal) => inner.connect(signal)),
    hurry: () => inner.hurry?.(),
    call: call ?? inner.call,
    close: () => inner.close(),
  };
}
