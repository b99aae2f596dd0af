import type { BrokerPlugin } from '@rondo/topics';

/**
 * Opens NATS JetStream by `nats://USER:PASSWORD@HOST:PORT,HOST:PORT/PREFIX`; `PREFIX`, `rondo` by default, begins the names of streams. Keys:
 * `replicas`, the servers that keep each event, `max-bytes` of each stream, `tls=on`, `ca-file`, `cert-file`, `key-file`, `creds-file` and
 * `token-file`. The client of NATS is loaded when a broker is opened.
 */
export const nats: BrokerPlugin = {
  kind: 'broker',
  package: '@rondo/topics-nats',
  schemes: ['nats'],
  open: async (url, options) => (await import('./broker.js')).natsBroker(url, options),
};
