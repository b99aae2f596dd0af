/**
 * Faults over TCP, for the outage table and the benchmarks. It is apart from `@rondo/rpc/internal`, so that a running
 * service doesn't load it.
 */

export { startTcpProxy } from '../../testing/tcp-proxy/tcp-proxy.js';
