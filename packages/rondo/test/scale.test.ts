import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { rondo } from './recording-context.js';

const ROWS = [1, 2].map((index) => ({ name: `sales-${index}`, address: `127.0.0.1:5006${index}`, services: [] }));
const PROCESSES = ['postgres', 'sales-1', 'sales-2'].map((name) => ({ name, service: name.replace(/-.*/, '') }));

let data: string;
let server: Server;
let requests: unknown[];
let answer: object;

/** A launcher that lists its processes, and replies `answer` to every other request. */
beforeEach(async () => {
  data = mkdtempSync(path.join(tmpdir(), 'rondo-scale-'));
  requests = [];
  answer = { event: 'done', rows: ROWS };
  server = createServer((connection) => {
    connection.on('error', () => undefined); // the other side may leave first
    createInterface({ input: connection }).on('line', (line) => {
      const request = JSON.parse(line);
      if (request.command !== 'processes') requests.push(request);
      const reply = request.command === 'processes' ? { event: 'done', rows: [], processes: PROCESSES } : answer;
      connection.end(`${JSON.stringify(reply)}\n`);
    });
  });
  const socket = path.join(data, 'launcher.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  writeFileSync(path.join(data, 'launcher.json'), JSON.stringify({ pid: 1, socket, registry: '127.0.0.1:50050' }));
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(data, { recursive: true });
});

const scale = (...args: readonly string[]) => rondo(['scale', ...args], { dataDirectory: data });

it('tells the launcher how many instances shall run, and prints those that do', async () => {
  const stdout = 'sales-1 runs at 127.0.0.1:50061\nsales-2 runs at 127.0.0.1:50062\n';
  expect(await scale('sales', '2')).toMatchObject({ exitCode: 0, stdout });
  expect(JSON.parse((await scale('sales', '2', '--json')).stdout)).toEqual({ instances: ROWS });
  expect(requests).toEqual(Array(2).fill({ command: 'scale', service: 'sales', instances: 2 }));
});

it.each([[], ['sales'], ['sales', '0'], ['sales', '1.5'], ['sales', 'two'], ['sales', '1e2']])(
  'asks for a service and a number from 1: %s %s',
  async (...args) => {
    expect(await scale(...args)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('name a service, and a number of instances from 1: rondo scale calculator 5'),
    });
    expect(requests).toEqual([]);
  },
);

it("fails with the launcher's error, or because no system runs", async () => {
  answer = { event: 'failed', message: 'there is no service "sale"; there are: sales' };
  const stderr = expect.stringContaining('there is no service "sale"; there are: sales');
  expect(await scale('sale', '2')).toMatchObject({ exitCode: 1, stderr });
  const folder = path.join(data, 'none');
  expect(await scale('sales', '2', '--data', folder)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`no system runs on ${folder}`),
  });
});

it('completes the names of services', async () => {
  const { stdout } = await rondo(['complete', '--', 'scale', ''], { dataDirectory: data });
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual(['sales']);
});
