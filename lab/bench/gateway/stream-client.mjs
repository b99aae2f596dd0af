// Many streams of orders through the gateway, by gRPC and as server-sent events, as a worker.
import http from 'node:http';
import * as grpc from '@grpc/grpc-js';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { answerParent } from '@rondo/harness';

/** The gateway takes 250 on a connection. */
const STREAMS_PER_CONNECTION = 200;
const { requestType, responseType } = OrderServiceDefinition.methods.watchOrders;

let messages = 0;
/** Why streams broke. */
const failures = [];

answerParent({
  /** Opens streams; resolves when each has had a message. */
  async open({ port, streams }) {
    const half = Math.floor(streams / 2);
    const opened = [];
    for (let first = 0; first < half; first += STREAMS_PER_CONNECTION) {
      const options = { 'grpc.use_local_subchannel_pool': 1 };
      const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
      const count = Math.min(STREAMS_PER_CONNECTION, half - first);
      opened.push(...Array.from({ length: count }, () => openGrpc(client)));
    }
    const agent = new http.Agent({ maxSockets: Number.POSITIVE_INFINITY });
    opened.push(...Array.from({ length: streams - half }, () => openEvents(port, agent)));
    await Promise.all(opened);
  },
  counts: () => ({ messages, broken: failures.length, failure: failures[0] }),
});

/** Resolves at the first message. */
function openGrpc(client) {
  const encode = (message) => Buffer.from(requestType.encode(requestType.fromPartial(message)).finish());
  const call = client.makeServerStreamRequest(
    '/sales.v1.OrderService/WatchOrders',
    encode,
    (bytes) => responseType.decode(bytes),
    {},
  );
  return new Promise((resolve) => {
    call.on('data', () => {
      messages += 1;
      resolve();
    });
    call.on('error', ({ message }) => {
      failures.push(message);
      resolve();
    });
  });
}

function openEvents(port, agent) {
  return new Promise((resolve) => {
    const headers = { accept: 'text/event-stream' };
    const request = http.get({ host: '127.0.0.1', port, path: '/v1/orders:watch', headers, agent }, (response) => {
      response.setEncoding('utf8').on('data', (text) => {
        messages += text.split('\ndata:').length - 1;
        resolve();
      });
      response.on('close', () => {
        failures.push(`a stream of events with status ${response.statusCode} closed`);
        resolve();
      });
    });
    request.on('error', ({ message }) => {
      failures.push(message);
      resolve();
    });
  });
}
