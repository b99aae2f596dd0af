// tRPC as its documentation has it over WebSockets: `applyWSSHandler` on a server of `ws`, and the default transformer (JSON).
// The validators only pass values on. Payloads are strings, since JSON carries no bytes. Of the adapters (WebSockets, standalone,
// fastify; links with and without batches) this one costs the least processor time one call at a time: a half to a third of the
// others. With 64 at a time it costs as much as `httpBatchLink` does.
import { once } from 'node:events';
import { initTRPC } from '@trpc/server';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { WebSocketServer } from 'ws';
import { countTo, echo } from '../answers.mjs';

const t = initTRPC.create();
const procedure = t.procedure.input((value) => value);

const router = t.router({
  unary: procedure.query(({ input }) => echo(input)),
  serverStream: procedure.subscription(async function* ({ input }) {
    yield* countTo(input.count);
  }),
});

export async function serve() {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  applyWSSHandler({ wss, router });
  await once(wss, 'listening');
  return `127.0.0.1:${wss.address().port}`;
}
