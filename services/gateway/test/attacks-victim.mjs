// The public port in a process of its own, as built: the victim of attacks.ci.test.ts.
import { startClock } from './support/forward-clock.mjs';

const { createListener } = await import(new URL('../dist/listener/listener.js', import.meta.url).href);

const LARGE = Buffer.alloc(64 * 1024);
const MAX_BYTES = 4 * 1024 * 1024;

/** Sends each part of the body back as it arrives. */
async function echoStream(exchange) {
  exchange.respond(200, { 'content-type': 'application/grpc' });
  for await (const chunk of exchange.body.chunks()) await exchange.write(chunk);
  exchange.end(undefined, { 'grpc-status': '0' });
}

/** 64 MiB, as fast as the client reads. */
async function largeStream(exchange) {
  let open = true;
  exchange.onClose(() => {
    open = false;
  });
  exchange.respond(200, { 'content-type': 'application/grpc' });
  for (let count = 0; count < 1_000 && open; count += 1) await exchange.write(LARGE);
  exchange.end(undefined, { 'grpc-status': '0' });
}

/** Sends the body and the headers back. */
async function echo(exchange) {
  const body = await exchange.body.whole(MAX_BYTES);
  const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...headers } = exchange.headers;
  exchange.respond(200, exchange.path.endsWith('Unary') ? headers : {});
  exchange.end(body, { 'grpc-status': '0' });
}

function handle(exchange) {
  if (exchange.path.endsWith('BidiStream')) return echoStream(exchange);
  if (exchange.path.endsWith('ServerStream')) return largeStream(exchange);
  return echo(exchange);
}

const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
const { clock, later } = startClock();
const { VICTIM_CERT: certPath, VICTIM_KEY: keyPath } = process.env;
const listener = createListener({
  listen: { host: '127.0.0.1', port: 0 },
  log,
  clock,
  ...(certPath && { tls: { certPath, keyPath } }),
  handler: (exchange) => {
    handle(exchange).catch(() => {
      if (exchange.responded) exchange.abort('cancel');
      else {
        exchange.respond(400, {});
        exchange.end();
      }
    });
  },
  // Longer than the honest client may be held up: it shares a process with the attackers, and a machine with other work.
  limits: {
    handshakeMs: 10_000,
    headersMs: 10_000,
    discardMs: 500,
    bodyGraceMs: 2_000,
    pingAfterMs: 1_000,
    pingAnswerMs: 60_000,
    tickMs: 50,
  },
});
const { address } = await listener.listen();
/** The memory that is in use, without garbage. Bytes. */
function used() {
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const restBytes = used();
process.on('message', async (what) => {
  if (what === 'kept') return process.send(used() - restBytes);
  await later(() => listener.connections === 0);
  process.send({ used: used(), resident: process.memoryUsage.rss() });
});
process.on('disconnect', () => process.exit());
process.send({ port: Number(address.split(':').pop()) });
