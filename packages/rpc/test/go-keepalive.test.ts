/** Other gRPC servers limit keepalive pings: a Rondo client must stay within the defaults of Go. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { cancelled } from '../src/call/call-context.js';
import { CallContext } from '../src/exports/call.js';
import { sleep, systemClock } from '../src/exports/clock.js';
import { grpcTransport } from '../src/transport/grpc/transport.js';
import type { Transport } from '../src/transport/transport.js';
import { until } from './support/wait.js';
import { wireCall } from './support/wire-call.js';

const BUILD_TIMEOUT_MS = 900_000;
let folder: string;
let missing: string | undefined;
const closers: (() => unknown)[] = [];

/** Why there is no Go server on this machine; undefined if there is one. */
async function build(): Promise<string | undefined> {
  const options = { cwd: fileURLToPath(new URL('go-server', import.meta.url)), timeout: BUILD_TIMEOUT_MS };
  try {
    await promisify(execFile)('go', ['build', '-o', join(folder, 'server'), '.'], options);
    return undefined;
  } catch (error) {
    return String(error).split('\n', 2).join(' ');
  }
}

beforeAll(async () => {
  grpc.setLogVerbosity(grpc.logVerbosity.NONE); // it tells the console of what the test provokes
  folder = await mkdtemp(join(tmpdir(), 'rondo-go-'));
  missing = await build();
  if (missing !== undefined)
    process.stdout.write(`SKIPPED: keepalive against a Go server, as none can be built: ${missing}\n`);
}, BUILD_TIMEOUT_MS);

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

afterAll(() => rm(folder, { recursive: true }));

async function startServer(): Promise<string> {
  const child = spawn(join(folder, 'server'), { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  closers.push(() => child.kill('SIGKILL') && exited);
  const [port] = await once(child.stdout, 'data');
  return `127.0.0.1:${String(port).trim()}`;
}

describe("a server with Go's defaults", () => {
  it('accepts a client that pings every second, idle or watching', async () => {
    if (missing !== undefined) return expect(missing).toContain('go');
    const address = await startServer();
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
    while (!plain.refused()) {
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
  const transport = grpcTransport(address, { minPingIntervalMs: 1_000 });
  closers.push(() => transport.close());
  return transport;
}

/** A client that pings every second. A Go server accepts three pings. */
function pinging(address: string): { refused: () => boolean } {
  const channel = new grpc.Channel(address, grpc.credentials.createInsecure(), {
    'grpc.keepalive_time_ms': 1_000,
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
