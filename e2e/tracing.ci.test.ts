/** One trace from the browser to the last row, over the processes of a system and a collector that gets it by OTLP. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, type System, startSystem } from '@rondo/harness';
import { type ReceivedSpan, startCollector } from '../packages/service/test/collector.js';
import { ask, askJson } from './src/front-door.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const BROWSER = '00f067aa0ba902b7';

let system: System;
let collector: Awaited<ReturnType<typeof startCollector>>;

beforeAll(async () => {
  collector = await startCollector();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    RONDO_GATEWAY_TRUSTED_TRACERS: '127.0.0.1',
  };
  system = await startSystem({ env });
});
afterAll(async () => {
  await system.stop();
  system.remove();
  await collector.close();
});

const nameIn = (answer: { json(): unknown }): string => String(Reflect.get(Object(answer.json()), 'name'));
const spans = () => collector.spans().filter(({ traceId }) => traceId === TRACE);
const instanceOf = ({ resource }: ReceivedSpan) => String(resource['service.instance.id']).replace(/-\d+$/, '');

it('a quote and its acceptance are one trace: each span once, and each below the one that caused it', async () => {
  const url = `http://${system.address(20)}/v1`;
  const customer = nameIn(await askJson(`${url}/customers`, { displayName: 'Trace', email: 'trace@example.com' }));
  const unitPrice = { currencyCode: 'EUR', units: '10' };
  const product = nameIn(
    await askJson(`${url}/products`, {
      title: 'Kit',
      sku: 'TRACE',
      unitPrice,
      stock: '5',
      deliveryEffortMinutes: '30',
    }),
  );
  const headers = { traceparent: `00-${TRACE}-${BROWSER}-01` };
  const made = await askJson(`${url}/quotes`, { customer, lines: [{ product, quantity: '2' }] }, { headers });
  expect(made.status).toBe(200);
  const quote = nameIn(made);
  const { status } = await askJson(`${url}/${quote}:accept`, {}, { headers });
  expect(status).toBe(200);

  await eventually(() => {
    expect(spans().map(({ name }) => name)).toContain('POST /v1/{name=quotes/*}:accept');
    expect(spans().map(({ name }) => name)).toContain('transaction log-finished');
    expect(spans().filter(orphaned)).toEqual([]);
    // Each call has a span at each end.
    expect(spans().filter(unanswered)).toEqual([]);
  });
  const all = spans();
  expect(new Set(all.map(({ spanId }) => spanId)).size).toBe(all.length);
  expect(all.filter(({ parentSpanId }) => parentSpanId === BROWSER)).toHaveLength(2);

  const of = (instance: string) => all.filter((span) => instanceOf(span) === instance);
  expect(
    of('gateway')
      .map(({ kind }) => kind)
      .sort(),
  ).toEqual([2, 2, 3, 3]);
  expect(of('calculator').length).toBeGreaterThan(0);
  for (const service of ['sales', 'project-management']) {
    expect(
      of(service).filter(({ attributes }) => attributes['db.system.name'] === 'postgresql').length,
    ).toBeGreaterThan(0);
  }
  const steps = all
    .filter(({ name }) => name.startsWith('transaction '))
    .map((span) => `${instanceOf(span)}: ${span.name}`);
  expect(steps).toEqual(
    expect.arrayContaining([
      'sales: transaction send-prepare',
      'project-management: transaction prepare',
      'sales: transaction log-committing',
      'sales: transaction send-commit',
      'project-management: transaction commit',
    ]),
  );
  // No value of a row is in the text of a statement.
  for (const { attributes } of all) expect(String(attributes['db.query.text'])).not.toContain(quote.split('/')[1]);
});

it('what every process does all the time is no trace', async () => {
  await ask(`http://${system.address(20)}/readyz`);
  const names = collector.spans().map(({ name }) => name);
  expect(names.filter((name) => /^(?:rondo\.registry|grpc\.health)/.test(name))).toEqual([]);
  expect(names.length).toBeGreaterThan(0);
});

/** Whether the span of a call has no server's span below it. */
function unanswered({ kind, name, spanId }: ReceivedSpan, _index: number, all: readonly ReceivedSpan[]): boolean {
  return kind === 3 && name.includes('.v1.') && !all.some((span) => span.parentSpanId === spanId && span.kind === 2);
}

/** Whether the parent of a span isn't there. */
function orphaned({ parentSpanId = '' }: ReceivedSpan, _index: number, all: readonly ReceivedSpan[]): boolean {
  return parentSpanId !== BROWSER && !all.some(({ spanId }) => spanId === parentSpanId);
}
