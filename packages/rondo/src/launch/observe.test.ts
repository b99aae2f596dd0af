import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { startObservers, writeTargets } from './observe.js';

const data = mkdtempSync(path.join(tmpdir(), 'rondo-observe-'));
afterAll(() => rmSync(data, { recursive: true }));
const options = { data, portBase: 50_050 };
const read = (file: string) => JSON.parse(readFileSync(path.join(data, 'observe', file), 'utf8'));
const nothing = { warn: () => undefined, environment: { PATH: data } };

it('says what is missing on the PATH, and leaves Prometheus what it needs', async () => {
  const observers = await startObservers(options, nothing);
  expect(observers.env).toEqual({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' });
  expect(observers.text).toEqual([
    expect.stringMatching(/^metrics {2}no prometheus is on the PATH \(.*prometheus\.yml$/),
    expect.stringMatching(/^traces {3}(?:no jaeger is on the PATH; .*docker run|go to what listens at 127)/),
  ]);
  await observers.close();
  expect(read('prometheus.yml')).toMatchObject({
    rule_files: [expect.stringContaining('alerts.yml')],
    scrape_configs: [{ file_sd_configs: [{ files: ['targets.json'] }] }],
  });
  expect(read('targets.json')).toEqual([]);
});

it('has the console link to Prometheus, unless the user names dashboards', async () => {
  const program = path.join(data, 'prometheus');
  writeFileSync(program, '#!/bin/sh\nexec /bin/sleep 60\n', { mode: 0o755 });
  try {
    for (const [given, linked] of [
      [{}, { RONDO_GATEWAY_DASHBOARDS: 'http://127.0.0.1:50090' }],
      [{ RONDO_GATEWAY_DASHBOARDS: 'https://grafana.example.com/' }, {}],
    ]) {
      const environment = { ...nothing.environment, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', ...given };
      const observers = await startObservers(options, { ...nothing, environment });
      await observers.close();
      expect(observers.env).toEqual(linked);
    }
  } finally {
    rmSync(program);
  }
});

it('starts no Jaeger if the user names a collector', async () => {
  const environment = { ...nothing.environment, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  const { env, text } = await startObservers(options, { ...nothing, environment });
  expect(env).toEqual({});
  expect(text[1]).toBe('traces   go where OTEL_EXPORTER_OTLP_ENDPOINT says');
});

it('names each process to Prometheus by its service and its instance', () => {
  writeTargets(options, [{ name: 'calculator-2', service: 'calculator', port: 0, metricsPort: 50_651 }]);
  expect(read('targets.json')).toEqual([
    { targets: ['127.0.0.1:50651'], labels: { job: 'calculator', instance: 'calculator-2' } },
  ]);
});
