import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { sleep, systemClock } from '@rondo/rpc/clock';
import { createRouter, serve } from '@rondo/rpc/server';
import { until } from '../../../../packages/rpc/test/support/wait.js';
import { SERVICE } from '../http-json/contract.js';
import { ask1 } from '../support/listening.js';
import { createServices } from './contract.js';
import type { Written } from './wire.js';

const PROCESS = fileURLToPath(new URL('./victim.mjs', import.meta.url));

/** A gateway in a process of its own, and the service behind it in this one. */
export interface GatewayProcess {
  readonly port: number;
  /** What the gateway logged as its own faults, and its end, if it has ended. */
  readonly faults: readonly string[];
  /** Sends the bytes on a connection of their own, and gives what came back until the gateway was silent. */
  exchange(parts: Written): Promise<string>;
  /** Puts the gateway's clock forward, and waits until it has no connection. Returns the heap after a collection of garbage. */
  heapBytesAfterwards(): Promise<number>;
  close(): Promise<void>;
}

/** How long the gateway is silent when it has answered, or waits for more. Milliseconds. */
const SILENCE_MS = 60;
/** How long it may take to answer. */
const PATIENCE_MS = 400;

export async function startGateway(): Promise<GatewayProcess> {
  const server = await serve(createRouter({ services: createServices() }), { listen: '127.0.0.1:0' });
  const faults: string[] = [];
  let heapBytes: number | undefined;
  let port = 0;
  const child: ChildProcess = fork(PROCESS, [server.address, SERVICE], {
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const output of [child.stdout, child.stderr]) output?.on('data', (bytes) => faults.push(String(bytes)));
  child.on('message', (message: { port?: number; heapBytes?: number; fault?: string }) => {
    port ||= message.port ?? 0;
    heapBytes = message.heapBytes;
    if (message.fault !== undefined) faults.push(message.fault);
  });
  child.on('exit', (code, signal) => faults.push(`the gateway ended: ${code ?? signal}`));
  await until(() => port !== 0 || faults.length > 0);
  // It is ready although the service was too busy to tell its contract. It asks again, and serves then.
  while (
    (await ask1(port, { path: '/v1/plain', headers: { connection: 'close' } })).status !== 200 &&
    faults.length === 0
  )
    await sleep(systemClock, 20);
  return {
    port,
    faults,
    exchange: (parts) => exchange(port, parts),
    async heapBytesAfterwards() {
      heapBytes = undefined;
      child.send('usage');
      await until(() => heapBytes !== undefined || faults.length > 0);
      return heapBytes ?? 0;
    },
    async close() {
      child.removeAllListeners('exit');
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await exited;
      await server.drain(0);
    },
  };
}

function exchange(port: number, parts: Written): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received = '';
    let timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      received += text;
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), SILENCE_MS);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(received);
    });
    for (const part of parts) if (part.length > 0) socket.write(part);
  });
}
