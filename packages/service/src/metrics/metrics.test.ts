import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Metrics, startMetrics } from './metrics.js';

const started: Metrics[] = [];

async function start(port = 0): Promise<Metrics> {
  const metrics = await startMetrics({ host: '127.0.0.1', port });
  started.push(metrics);
  return metrics;
}

afterEach(() => Promise.all(started.splice(0).map((metrics) => metrics.close())));

describe('startMetrics', () => {
  it('serves what is measured, and of the process itself, as Prometheus reads it', async () => {
    const { meter, address } = await start();
    meter.createCounter('rondo.test.things').add(3, { kind: 'good' });
    const response = await fetch(`http://${address}/metrics`);
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    expect(text).toMatch(/^rondo_test_things_total\{kind="good"\} 3$/m);
    expect(text).toMatch(/^process_start_time_seconds 1\d{9}/m);
    expect(text).toMatch(/^process_memory_usage_bytes \d+$/m);
  });

  it('has nothing elsewhere', async () => {
    const { address } = await start();
    expect((await fetch(`http://${address}/`)).status).toBe(404);
  });

  it('names the variable to change where the address is taken', async () => {
    const { address } = await start();
    const port = Number(address?.split(':')[1]);
    await expect(start(port)).rejects.toThrow(
      `can't serve metrics at ${address}: the port is in use; stop what holds it, or set RONDO_METRICS to another address`,
    );
  });

  it('keeps nothing and listens nowhere where it is off', async () => {
    const { meter, address } = await startMetrics(undefined);
    meter.createCounter('rondo.test.things').add(1);
    expect(address).toBeUndefined();
  });

  it('is not even loaded before it is on', () => {
    const { href } = new URL('../../dist/index.js', import.meta.url);
    const source = `
      import { createRequire } from 'node:module';
      await import(${JSON.stringify(href)});
      console.log(Object.keys(createRequire(import.meta.url).cache).join());
    `;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
    expect(stdout).toContain('@opentelemetry/api');
    expect(stdout).not.toContain('@opentelemetry/sdk-metrics');
  });
});
