// tRPC as its documentation has it over WebSockets: `wsLink`, which sends the calls of one tick together.
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { WebSocket } from 'ws';

export function connect([address]) {
  const socket = createWSClient({ url: `ws://${address}`, WebSocket });
  const client = createTRPCClient({ links: [wsLink({ client: socket })] });
  return {
    payloads: 'text',
    unary: (request) => client.unary.query(request),
    serverStream: (request, onReply) =>
      new Promise((onComplete, onError) => {
        client.serverStream.subscribe(request, { onData: onReply, onError, onComplete });
      }),
  };
}
