/** Traces over the border of Rondo: clients in Go and Python, and a server in Go, each with an OpenTelemetry of its own. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { eventually, type RunningProcess, root, type ServiceProcess, start, startService } from '@rondo/harness';
import { silentLogger } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import * as service from '@rondo/service';
import { startCollector } from '../../packages/service/test/collector.js';

const ADD = '/calculator.v1.CalculatorService/Add';
const run = promisify(execFile);
const sources = join(root, 'lab/clients/traced');
const folder = mkdtempSync(join(tmpdir(), 'rondo-traced-'));

let collector: Awaited<ReturnType<typeof startCollector>>;
let tracing: Readonly<Record<string, string>>;
let calculator: ServiceProcess;
let client: string;

beforeAll(async () => {
  client = join(folder, 'traced');
  await run('go', ['build', '-o', client, '.'], { cwd: sources });
  collector = await startCollector();
  tracing = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '10',
  };
  calculator = await startService('calculator', { env: tracing });
});
afterAll(async () => {
  await calculator.stop();
  await collector.close();
  rmSync(folder, { recursive: true });
});

/** The spans that a program printed, one a line. */
const spansIn = (stdout: string): readonly Readonly<Record<string, string>>[] =>
  stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));

async function byPython(): Promise<string> {
  const python = join(folder, 'python/bin/python');
  await run('python3', ['-m', 'venv', join(folder, 'python')]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', join(sources, 'requirements.txt')]);
  return (await run(python, [join(sources, 'client.py'), calculator.address, ADD])).stdout;
}

it.each([
  ['Go', async () => (await run(client, [calculator.address, ADD])).stdout],
  ['Python', byPython],
])("the span of a client in %s is the parent of the server's", async (_language, call) => {
  const [own, ...others] = spansIn(await call());
  expect(others).toEqual([]);
  await eventually(() =>
    expect(collector.spans().filter(({ traceId }) => traceId === own?.['traceId'])).toMatchObject([
      { name: ADD.slice(1), kind: 2, parentSpanId: own?.['spanId'] },
    ]),
  );
});

it("the span of a server in Go is a child of the client's", async () => {
  const server: RunningProcess = start(client, ['serve']);
  const before = { ...process.env };
  Object.assign(process.env, tracing);
  const front = await service.startService({
    name: 'front',
    port: 0,
    register: false,
    log: silentLogger,
    createApp: () => ({ services: [] }),
  });
  process.env = before;
  const [, address = ''] = await server.printed(/listening on (\S+)/);
  const channel = createChannel({ resolver: staticResolver([address]) });
  await createClient(AdderServiceDefinition, { channel }).add({ a: 2n, b: 3n });
  channel.close();
  await front.drain();
  await server.printed(/"kind":"server"/);
  await server.stop();
  const own = collector.spans().find(({ name }) => name.endsWith('AdderService/Add'));
  expect(own?.kind).toBe(3);
  expect(spansIn(server.output().stdout)).toMatchObject([{ traceId: own?.traceId, parentSpanId: own?.spanId }]);
});
