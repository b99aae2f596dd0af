import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type RequestLauncherOptions, requestLauncher } from '../src/launcher.js';

const signal = new AbortController().signal;
const ROW = { name: 'greeter-1', address: '127.0.0.1:50060', services: ['helloworld.Greeter'] };

let data: string;
let server: Server | undefined;

beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'rondo-launcher-'));
});

afterEach(async () => {
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
  rmSync(data, { recursive: true });
});

/** A launcher that answers every request with `replies` and closes the connection; without replies it never answers. */
async function startLauncher(...replies: readonly (object | string)[]): Promise<readonly unknown[]> {
  const requests: unknown[] = [];
  const socket = path.join(data, 'launcher.sock');
  const lines = replies.map((reply) => `${typeof reply === 'string' ? reply : JSON.stringify(reply)}\n`).join('');
  const launcher = createServer((connection) => {
    connection.on('error', () => undefined); // the other side may leave first
    createInterface({ input: connection }).on('line', (line) => {
      requests.push(JSON.parse(line));
      if (replies.length > 0) connection.end(lines);
    });
  });
  server = launcher;
  await new Promise<void>((resolve) => launcher.listen(socket, resolve));
  describeLauncher(socket);
  return requests;
}

function describeLauncher(socket: string): void {
  writeFileSync(path.join(data, 'launcher.json'), JSON.stringify({ pid: 1, socket, registry: '127.0.0.1:50050' }));
}

const ask = (options: Partial<RequestLauncherOptions> = {}) =>
  requestLauncher({ dataDirectory: data, request: { command: 'status' }, signal, ...options });

const noSystem = () =>
  `no system runs on ${data}: start it with npm start, or name the running system's folder by --data`;

describe('requestLauncher', () => {
  it('sends the request, passes on log lines, and returns the rows', async () => {
    const requests = await startLauncher({ event: 'log', line: 'starting' }, { event: 'done', rows: [ROW] });
    const lines: string[] = [];
    const request = { command: 'start', service: 'greeter' } as const;
    expect(await ask({ request, onLog: (line) => lines.push(line) })).toEqual([ROW]);
    expect([requests, lines]).toEqual([[request], ['starting']]);
  });

  it("fails with the launcher's error", async () => {
    await startLauncher({ event: 'failed', message: 'there is no service "greeter"' });
    await expect(ask()).rejects.toThrow(/^there is no service "greeter"$/);
  });

  it('says that no system runs: without a description, and with one that was left behind', async () => {
    await expect(ask()).rejects.toThrow(noSystem());
    describeLauncher(path.join(data, 'gone.sock'));
    await expect(ask()).rejects.toThrow(noSystem());
  });

  it('says so when the launcher stops meanwhile', async () => {
    await startLauncher({ event: 'log', line: 'starting' });
    await expect(ask()).rejects.toThrow(`the system on ${data} has stopped before it was done`);
  });

  it('says so when it is answered in a language of its own', async () => {
    await startLauncher('hello');
    await expect(ask()).rejects.toThrow(
      'the launcher replied "hello": is it of another version? Start the system again',
    );
  });

  it('waits no longer than its timeout', async () => {
    await startLauncher();
    await expect(ask({ timeoutMs: 20 })).rejects.toThrow(`the system on ${data} hasn't answered in 0.02 s`);
  });

  it('ends at Ctrl-C', async () => {
    await startLauncher();
    const interrupt = new AbortController();
    const asked = ask({ signal: interrupt.signal });
    interrupt.abort();
    await expect(asked).rejects.toThrow(/aborted/);
  });

  it('says which description it cannot read', async () => {
    writeFileSync(path.join(data, 'launcher.json'), '{');
    await expect(ask()).rejects.toThrow(`${path.join(data, 'launcher.json')} can't be read`);
  });
});
