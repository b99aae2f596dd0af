/** OpenTelemetry's automatic instrumentation, as a user preloads it, with Rondo's spans. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@rondo/harness';
import { type ReceivedSpan, startCollector } from '../../plugins/telemetry/test/collector.js';
import { startDatabase } from '../chaos/testbed/database.js';
import { createTestbed, type Testbed } from '../chaos/testbed/testbed.js';
import { OWNERS, startServices } from '../chaos/transactions/services.js';
import { openShop } from '../chaos/transactions/shop.js';
import { runIn } from './src/existing-apps/apps.js';

/** The last one for Node 20. */
const INSTRUMENTATIONS = '@opentelemetry/auto-instrumentations-node@0.80.0';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const OURS = '@rondo/rpc';

const folder = mkdtempSync(join(tmpdir(), 'rondo-instrumented-'));
let collector: Awaited<ReturnType<typeof startCollector>>;
let testbed: Testbed;

beforeAll(async () => {
  await runIn(folder, 'npm', 'install', '--omit=optional', '--no-audit', '--no-fund', INSTRUMENTATIONS);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  await testbed.close();
  await collector.close();
});

/** The spans of an accepted quote in a system whose processes preload the instrumentations, but for those that are left out. */
async function accept(leftOut: string): Promise<readonly ReceivedSpan[]> {
  collector = await startCollector();
  testbed = await createTestbed({ ttlMs: 3_000, tls: false });
  await testbed.startRegistry();
  const register = join(folder, 'node_modules/@opentelemetry/auto-instrumentations-node/build/src/register.js');
  await startServices(testbed, await startDatabase(testbed, OWNERS), {
    NODE_OPTIONS: `--import ${pathToFileURL(register)}`,
    OTEL_NODE_DISABLED_INSTRUMENTATIONS: leftOut,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });
  const shop = await openShop(testbed.openChannel());
  const sale = await shop.offer();
  collector.bodies.length = 0;
  expect(await shop.accept(sale, { metadata: { traceparent: `00-${TRACE}-${CALLER}-01` } })).toBe('OK');
  return eventually(() => {
    const spans = collector.spans().filter(({ traceId }) => traceId === TRACE);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(spans.map(({ name }) => name)).toContain('transaction log-finished');
    expect(spans.filter(({ parentSpanId = '' }) => parentSpanId !== CALLER && !ids.has(parentSpanId))).toEqual([]);
    expect(ids.size).toBe(spans.length);
    return spans;
  });
}

/** Calls, requests and statements that others have seen as well. */
const again = (spans: readonly ReceivedSpan[]) =>
  spans.filter(({ scope, attributes }) => {
    const seen = ['db.system', 'db.system.name', 'rpc.system', 'http.method', 'http.request.method'];
    return scope !== OURS && seen.some((key) => key in attributes);
  });

it('no span is doubled if what sees the same work again is left out', async () => {
  const spans = await accept('pg,grpc,http');
  expect(again(spans)).toEqual([]);
  expect(spans.filter(({ attributes }) => attributes['db.system.name'] === 'postgresql').length).toBeGreaterThan(10);
});

it('no call is broken if nothing is left out, and statements are seen twice', async () => {
  expect(again(await accept('')).length).toBeGreaterThan(10);
});
