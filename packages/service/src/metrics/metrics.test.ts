import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { systemClock } from '@rondo/rpc/clock';
import type { ServiceView } from '@rondo/rpc/internal';
import { meterChannel } from './channel.js';
import { type Metrics, startMetrics } from './metrics.js';

const OPTIONS = {
  push: undefined,
  resource: {},
  environment: {},
  clock: systemClock,
  handover: { clock: systemClock, timeoutMs: 0 },
  log: silentLogger,
};
const started: Metrics[] = [];

async function start(port = 0): Promise<Metrics> {
  const metrics = await startMetrics({ ...OPTIONS, listen: { host: '127.0.0.1', port } });
  started.push(metrics);
  return metrics;
}

afterEach(() => Promise.all(started.splice(0).map((metrics) => metrics.close())));

describe('startMetrics', () => {
  it("serves the app's and the process's metrics in Prometheus's format", async () => {
    const { meter, address } = await start();
    meter.createCounter('rondo.test.things').add(3, { kind: 'good' });
    const response = await fetch(`http://${address}/metrics`);
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    expect(text).toMatch(/^rondo_test_things_total\{kind="good"\} 3$/m);
    expect(text).toMatch(/^process_start_time_seconds 1\d{9}/m);
    expect(text).toMatch(/^process_memory_usage_bytes \d+$/m);
  });

  it('tells a histogram, and escapes what a label or a description may hold', async () => {
    const { meter, address } = await start();
    const advice = { explicitBucketBoundaries: [0.1, 5] };
    const histogram = meter.createHistogram('rondo.test.time', { unit: 's', description: 'a\\b\nc', advice });
    for (const value of [0.25, 7]) histogram.record(value, { 'odd-key': 'say "\\"\n' });
    const text = await (await fetch(`http://${address}/metrics`)).text();
    const label = String.raw`odd_key="say \"\\\"\n"`;
    expect(text.split('\n').filter((line) => line.includes('rondo_test_time'))).toEqual([
      String.raw`# HELP rondo_test_time_seconds a\\b\nc`,
      '# TYPE rondo_test_time_seconds histogram',
      `rondo_test_time_seconds_count{${label}} 2`,
      `rondo_test_time_seconds_sum{${label}} 7.25`,
      `rondo_test_time_seconds_bucket{${label},le="0.1"} 0`,
      `rondo_test_time_seconds_bucket{${label},le="5"} 1`,
      `rondo_test_time_seconds_bucket{${label},le="+Inf"} 2`,
    ]);
  });

  it('keeps a counter whose name has the suffix, and one underscore for what a name must not hold', async () => {
    const { meter, address } = await start();
    meter.createCounter('orders._total').add(1);
    const text = await (await fetch(`http://${address}/metrics`)).text();
    expect(text).toMatch(/^orders_total 1$/m);
  });

  it('answers a client that has ended its side', async () => {
    const { address = '' } = await start();
    const [host, port] = address.split(':');
    const client = connect(Number(port), host);
    client.end('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
    const parts: Buffer[] = [];
    for await (const part of client) parts.push(part);
    expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*process_start_time_seconds/);
  });

  it('serves nothing at other paths', async () => {
    const { address } = await start();
    expect((await fetch(`http://${address}/`)).status).toBe(404);
  });

  it('names the variable to change if the address is taken', async () => {
    const { address } = await start();
    const port = Number(address?.split(':')[1]);
    await expect(start(port)).rejects.toThrow(
      `can't serve metrics at ${address}: the port is in use; stop what holds it, or set RONDO_METRICS to another address`,
    );
  });

  it('collects nothing and does not listen when it is off', async () => {
    const { meter, address } = await startMetrics({ ...OPTIONS, listen: undefined });
    meter.createCounter('rondo.test.things').add(1);
    expect(address).toBeUndefined();
  });

  it('loads nothing of OpenTelemetry before it is on', () => {
    const { href } = new URL('../../dist/exports/index.js', import.meta.url);
    const source = `
      import { createRequire } from 'node:module';
      await import(${JSON.stringify(href)});
      console.log(Object.keys(createRequire(import.meta.url).cache).join());
    `;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
    expect(stdout).toContain('pino');
    expect(stdout).not.toContain('opentelemetry');
  });
});

const attempts = { begun: 0, failed: 0, durations: () => [] };

function endpoint(
  instanceId: string,
  known: Partial<ServiceView['endpoints'][number]> = {},
): ServiceView['endpoints'][number] {
  return {
    instanceId,
    address: `${instanceId}:1`,
    zone: '',
    version: '',
    weight: 100,
    state: 'ready',
    instanceState: 'serving',
    startedAt: undefined,
    lastError: undefined,
    held: undefined,
    leftOut: false,
    picks: 0,
    attempts,
    inFlight: 0,
    share: undefined,
    methods: [],
    ...known,
  };
}

/** The metrics text of a service with these endpoints. */
async function scrape(endpoints: readonly ServiceView['endpoints'][number][]): Promise<string> {
  const metrics = await start();
  const balancing = {
    policy: 'round_robin',
    weights: 'static',
    slowStartMs: 0,
    subsetSize: undefined,
    hashBalanceFactor: undefined,
    origin: 'default',
  } as const;
  const view: ServiceView = {
    service: 's.S',
    balancing,
    endpoints,
    attempts,
    panics: [],
    guards: [],
    source: undefined,
  };
  meterChannel(metrics.meter, { inspect: () => [view] });
  return await (await fetch(`http://${metrics.address}/metrics`)).text();
}

const lines = (text: string, metric: string) =>
  text.split('\n').filter((line) => line.startsWith(`rondo_balancer_${metric}{`));

it('reports the calls of each endpoint', async () => {
  const text = await scrape([endpoint('a', { picks: 7, inFlight: 2, share: 0.25 }), endpoint('b')]);
  const [a, b] = ['a', 'b'].map((name) => `{grpc_target="s.S",rondo_instance="${name}"}`);
  expect(lines(text, 'picks_total')).toEqual([`rondo_balancer_picks_total${a} 7`, `rondo_balancer_picks_total${b} 0`]);
  expect(lines(text, 'calls_in_flight')).toEqual([
    `rondo_balancer_calls_in_flight${a} 2`,
    `rondo_balancer_calls_in_flight${b} 0`,
  ]);
  // An endpoint without a known share has no weight.
  expect(lines(text, 'weight_ratio')).toEqual([`rondo_balancer_weight_ratio${a} 0.25`]);
});

it('reports ejected endpoints, but not endpoints that take only other calls', async () => {
  const text = await scrape([
    endpoint('well'),
    endpoint('left', { leftOut: true }),
    endpoint('canary', { held: 'takes only calls that ask for its version: its label is canary=0' }),
  ]);
  const ejected = lines(text, 'ejected').map((line) => /rondo_instance="(\w+)"} (\d)/.exec(line)?.slice(1));
  expect(ejected).toEqual([
    ['well', '0'],
    ['left', '1'],
    ['canary', '0'],
  ]);
});

it('reports at most a thousand endpoints', async () => {
  const text = await scrape(Array.from({ length: 1_001 }, (_, index) => endpoint(`i${index}`)));
  expect(lines(text, 'picks_total')).toHaveLength(1_000);
});

it('reports breakers and bulkheads', async () => {
  const metrics = await start();
  const breaker: ServiceView['guards'][number]['breaker'] = {
    state: 'half_open',
    openedAt: new Date(0),
    reason: 'most calls failed',
    probeInMs: 100,
    openings: 2,
    refused: 30,
    calls: 0,
    bad: 0,
    policy: { failurePercent: 50, slowCallMs: undefined, windowMs: 10_000, minCalls: 20, probes: 3 },
  };
  const bulkhead = { inFlight: 4, queued: 5, refused: 6, policy: { maxCalls: 4, maxQueued: 5, queueTimeoutMs: 1 } };
  const guards = [{ path: '/s.S/M', breaker, bulkhead }];
  meterChannel(metrics.meter, { inspect: () => [{ service: 's.S', source: undefined, endpoints: [], guards }] });
  const text = await (await fetch(`http://${metrics.address}/metrics`)).text();
  const method = '{rpc_method="s.S/M"}';
  expect(text.split('\n').filter((line) => /^rondo_(breaker|bulkhead)/.test(line))).toEqual([
    `rondo_breaker_state${method} 1`,
    `rondo_breaker_openings_total${method} 2`,
    `rondo_breaker_refusals_total${method} 30`,
    `rondo_bulkhead_calls_in_flight${method} 4`,
    `rondo_bulkhead_calls_queued${method} 5`,
    `rondo_bulkhead_refusals_total${method} 6`,
  ]);
});
