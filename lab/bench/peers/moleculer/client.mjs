// Moleculer as its documentation has it: `broker.call`. The broker picks replicas round robin by default.
import { Readable } from 'node:stream';
import { until } from '@rondo/harness';
import { createBroker } from './broker.mjs';

/** Nodes learn of each other by gossip, every 2 s. */
const KNOW_MS = 20_000;

export async function connect(nodes) {
  const broker = createBroker(`client-of-${nodes.length}-${process.pid}`, nodes);
  await broker.start();
  await broker.waitForServices('conformance', KNOW_MS);
  await knowAll(broker, nodes.length);
  return {
    payloads: 'text',
    unary: (request) => broker.call('conformance.unary', request),
    serverStream: async (request, onReply) =>
      await ended(await broker.call('conformance.serverStream', request), onReply),
    clientStream: (requests) => broker.call('conformance.clientStream', {}, { stream: Readable.from(requests) }),
    async bidiStream(requests, onReply) {
      const replies = await broker.call('conformance.bidiStream', {}, { stream: Readable.from(requests) });
      await ended(replies, onReply);
    },
  };
}

/** Resolves when the broker knows so many nodes that have the action. */
async function knowAll(broker, count) {
  const known = async () => {
    const actions = await broker.call('$node.actions', { withEndpoints: true, skipInternal: true });
    const { endpoints = [] } = actions.find(({ name }) => name === 'conformance.unary') ?? {};
    return endpoints.filter(({ available }) => available).length === count || undefined;
  };
  await until(known, { what: `the broker knows ${count} nodes`, timeoutMs: KNOW_MS });
}

function ended(replies, onReply) {
  return new Promise((resolve, reject) => {
    replies.on('data', onReply).on('end', resolve).on('error', reject);
  });
}
