/**
 * What is measured.
 *
 * @typedef {object} Workload
 * @property {number} [lanes] How many unary calls are in flight: each lane makes its next call when its last has ended.
 * @property {number} [burst] Makes so many unary calls at once instead, and then again.
 * @property {number} [bytes] The size of the payload of a unary call, both ways.
 * @property {number} [messages] How many messages a stream has.
 * @property {string} operation What is counted.
 * @property {number} [replicas] How many servers take the calls in turn. Default: one.
 */

/** The number of messages of a stream. */
export const MESSAGES = 10_000;
/** The number of servers of the workload over replicas. */
export const REPLICAS = 3;

export const WORKLOADS = [
  { name: 'tiny-1', title: 'unary tiny, 1 at a time', method: 'unary', lanes: 1, operation: 'call' },
  { name: 'tiny-64', title: 'unary tiny, 64 at a time', method: 'unary', lanes: 64, operation: 'call' },
  { name: 'kib-1', title: 'unary 1 KiB, 1 at a time', method: 'unary', lanes: 1, bytes: 1024, operation: 'call' },
  { name: 'kib-64', title: 'unary 1 KiB, 64 at a time', method: 'unary', lanes: 64, bytes: 1024, operation: 'call' },
  {
    name: 'server-stream',
    title: 'server stream of 10,000',
    method: 'serverStream',
    messages: MESSAGES,
    operation: 'message',
  },
  {
    name: 'client-stream',
    title: 'client stream of 10,000',
    method: 'clientStream',
    messages: MESSAGES,
    operation: 'message',
  },
  { name: 'ping-pong', title: 'bidirectional ping-pong', method: 'bidiStream', operation: 'round trip' },
  {
    name: 'replicas',
    title: 'three replicas, 64 at a time',
    method: 'unary',
    lanes: 64,
    replicas: REPLICAS,
    operation: 'call',
  },
  { name: 'burst', title: '1,000 calls at once', method: 'unary', burst: 1000, operation: 'call' },
  { name: 'mib', title: 'unary 1 MiB, 1 at a time', method: 'unary', lanes: 1, bytes: 1024 * 1024, operation: 'call' },
];
