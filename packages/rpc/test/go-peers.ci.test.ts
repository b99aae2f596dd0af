/** What other gRPC implementations do by default: a client may cancel many calls, a server limits keepalive pings. Go's stand for them. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { cancelled } from '../src/call/call-context.js';
import { CallContext, type ServerCall } from '../src/exports/call.js';
import { sleep, systemClock } from '../src/exports/clock.js';
import { createRouter, serve } from '../src/exports/server.js';
import { standIn } from '../src/exports/testing.js';
import { peerTransport } from '../src/transport/peer-connection.js';
import type { Transport } from '../src/transport/transport.js';
import { closersOfATest } from './support/closers.js';
import { until } from './support/wait.js';
import { wireCall } from './support/wire-call.js';

const BUILD_TIMEOUT_MS = 900_000;
/** More than the 1,000 that Node accepts at once. */
const RESETS = 1_500;
const HEADERS = { ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', te: 'trailers' };
/** A request for the health of `slow`, without compression. */
const SLOW = Buffer.from([0, 0, 0, 0, 6, 10, 4, ...Buffer.from('slow')]);

/** Node has had the option since 22.11; before, nothing can be done. */
const bearable = process.versions.node.localeCompare('22.11', 'en', { numeric: true }) >= 0;
const run = promisify(execFile);
const closers = closersOfATest();
let folder: string;
let missing: string | undefined;

beforeAll(async () => {
  grpc.setLogVerbosity(grpc.logVerbosity.NONE); // it tells the console of what the tests provoke
  folder = await mkdtemp(join(tmpdir(), 'rondo-go-'));
  // Compiling gRPC may take longer than a test.
  missing = await run('go', ['build', '-o', folder, './...'], {
    cwd: fileURLToPath(new URL('go', import.meta.url)),
  }).then(
    () => undefined,
    (error: unknown) => String(error).split('\n', 2).join(' '),
  );
  if (missing !== undefined)
    process.stdout.write(`SKIPPED: clients and servers of Go, as none can be built: ${missing}\n`);
}, BUILD_TIMEOUT_MS);

afterAll(() => rm(folder, { recursive: true }));

/** A server whose health calls for `slow` only their callers end. */
async function start() {
  let begun = 0;
  let ended = 0;
  const check = async ({ service }: { readonly service: string }, { context }: ServerCall) => {
    if (service !== 'slow') return {};
    begun += 1;
    context.onEnd(() => {
      ended += 1;
    });
    return context.race(new Promise<never>(() => undefined));
  };
  const router = createRouter({ services: [standIn(HealthDefinition, { check })] });
  const server = await serve(router, { listen: '127.0.0.1:0' });
  closers.push(() => server.drain(0));
  return { address: server.address, begun: () => begun, ended: () => ended };
}

describe('a server', () => {
  it('accepts that a client cancels thousands of calls at once, and ends each', async () => {
    const { address, begun, ended } = await start();
    const session = http2.connect(`http://${address}`);
    closers.push(() => session.destroy());
    let goodbye: number | undefined;
    session.on('goaway', (code) => {
      goodbye = code;
    });
    session.on('error', () => session.destroy());
    const innocent = ask(session);
    const others = Array.from({ length: RESETS }, () => ask(session));
    await until(() => begun() === RESETS + 1);
    for (const stream of others) stream.close(http2.constants.NGHTTP2_CANCEL);
    if (bearable) {
      await until(() => ended() === RESETS);
      expect(innocent.closed).toBe(false);
      expect(goodbye).toBeUndefined();
    } else {
      await until(() => innocent.closed);
      expect(goodbye).toBe(http2.constants.NGHTTP2_INTERNAL_ERROR);
    }
  });

  it('fails no other call of a Go client that cancels many calls, and lets many expire', async () => {
    if (missing !== undefined) return expect(missing).toContain('go');
    // The fate of a connection that is closed again and again is random.
    if (!bearable) return expect(process.version).toMatch(/^v2[0-2]\./);
    const { address } = await start();
    const { stdout } = await run(join(folder, 'client'), [address, '2', '1500']);
    const { innocent, expired, cancelled, connections } = JSON.parse(stdout);
    expect(Object.keys(expired)).toEqual(['DeadlineExceeded']);
    expect(Object.keys(cancelled)).toEqual(['Canceled']);
    expect(Object.keys(innocent)).toEqual(['OK']);
    expect(connections).toBe(1);
  });
});

function ask(session: http2.ClientHttp2Session): http2.ClientHttp2Stream {
  const stream = session.request({ ...HEADERS, 'content-type': 'application/grpc' });
  stream.on('error', () => stream.destroy());
  stream.resume().end(SLOW);
  return stream;
}

async function startGoServer(): Promise<string> {
  const child = spawn(join(folder, 'server'), { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  closers.push(() => child.kill('SIGKILL') && exited);
  const [port] = await once(child.stdout, 'data');
  return `127.0.0.1:${String(port).trim()}`;
}

describe('a server of Go that allows a ping each second', () => {
  it('accepts a client that pings no sooner, idle or watching, and no other', async () => {
    if (missing !== undefined) return expect(missing).toContain('go');
    const address = await startGoServer();
    const [idle, watching] = [connect(address), connect(address)];
    await Promise.all([idle.connect(), watching.connect()]);
    const context = new CallContext();
    const watch = wireCall({ path: '/grpc.health.v1.Health/Watch', responseStream: true, context });
    const { response } = await watching.call(watch);
    if (!response.stream) throw new Error('a stream was asked for');
    const replies = response.messages[Symbol.asyncIterator]();
    expect((await replies.next()).done).toBe(false);
    let ended = false;
    const end = replies.next().catch(() => {
      ended = true;
    });
    const plain = pinging(address);
    // In this time the others send more pings than a server forgives.
    const endsAt = systemClock.now() + 6_000;
    while (!plain.refused() || systemClock.now() < endsAt) {
      expect([idle.state, watching.state]).toEqual(['ready', 'ready']);
      await sleep(systemClock, 50);
    }
    expect([idle.state, watching.state]).toEqual(['ready', 'ready']);
    expect(ended).toBe(false);
    context.end(cancelled());
    await end;
  });
});

function connect(address: string): Transport {
  const transport = peerTransport(address, { minPingIntervalMs: 1_000 });
  closers.push(() => transport.close());
  return transport;
}

/** A client that pings twice a second. The server accepts three such pings. */
function pinging(address: string): { refused: () => boolean } {
  const channel = new grpc.Channel(address, grpc.credentials.createInsecure(), {
    'grpc.keepalive_time_ms': 500,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.use_local_subchannel_pool': 1,
  });
  closers.push(() => channel.close());
  let stood = false;
  let refused = false;
  channel.getConnectivityState(true);
  void until(() => {
    const state = channel.getConnectivityState(false);
    stood ||= state === grpc.connectivityState.READY;
    refused = stood && state !== grpc.connectivityState.READY;
    return refused;
  });
  return { refused: () => refused };
}
