// Moleculer as its documentation has it: `broker.call`. The broker picks replicas round robin by default.
import { Readable } from 'node:stream';
import { createBroker } from './broker.mjs';

export async function connect(nodes) {
  const broker = createBroker(`client-of-${nodes.length}-${process.pid}`, nodes);
  await broker.start();
  for (const node of nodes) await broker.waitForServices('conformance', 10_000, node);
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

function ended(replies, onReply) {
  return new Promise((resolve, reject) => {
    replies.on('data', onReply).on('end', resolve).on('error', reject);
  });
}
