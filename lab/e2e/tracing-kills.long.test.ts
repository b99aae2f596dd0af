/** What is left of a trace when a process is killed in the middle of it, and another one finishes the work. */

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, runNode } from '@rondo/harness';
import { PROTOCOL_POINTS } from '@rondo/transactions';
import { type ReceivedSpan, startCollector } from '../../plugins/telemetry/test/collector.js';
import { startDatabase } from '../chaos/testbed/database.js';
import { createTestbed, type Testbed } from '../chaos/testbed/testbed.js';
import { isOfAbort, describe as nameOf, type ProtocolPoint } from '../chaos/transactions/point.js';
import { OWNERS, type Services, startServices } from '../chaos/transactions/services.js';
import { openShop, type Shop } from '../chaos/transactions/shop.js';

/** The span of the caller, which no collector knows. */
const CALLER = '00f067aa0ba902b7';
const SERVICES = { coordinator: 'sales', participant: 'project-management' } as const;
const CALL_TIMEOUT_MS = 60_000;

let testbed: Testbed;
let collector: Awaited<ReturnType<typeof startCollector>>;
let services: Services;
let shop: Shop;
/** All traces together, as a process that dies early has sent nothing, and what recovered transactions. */
let received = 0;
const recoveries: ReceivedSpan[] = [];

beforeAll(async () => {
  // Compiles what a killed process loads.
  await runNode(['scripts/rondo.mjs', 'lab', 'chaos', '--list']);
  collector = await startCollector();
  testbed = await createTestbed({ ttlMs: 3_000, tls: false });
  await testbed.startRegistry();
  const database = await startDatabase(testbed, OWNERS);
  services = await startServices(testbed, database, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  shop = await openShop(testbed.openChannel());
});
afterAll(async () => {
  await testbed.close();
  await collector.close();
});

const serviceOf = ({ resource }: ReceivedSpan) => resource['service.name'];

/**
 * Whether the parent of a span isn't there, although its process lived on: the caller of a call is another process, and all other
 * parents are in the span's own.
 */
function orphaned(span: ReceivedSpan, all: readonly ReceivedSpan[], killed: string): boolean {
  const { parentSpanId = '', kind } = span;
  if (parentSpanId === '' || parentSpanId === CALLER || all.some(({ spanId }) => spanId === parentSpanId)) return false;
  // The coordinator calls both others, and a participant asks it how a transaction ended.
  const caller = serviceOf(span) === SERVICES.coordinator ? SERVICES.participant : SERVICES.coordinator;
  return (kind === 2 ? caller : serviceOf(span)) !== killed;
}

// A point of a transaction that is aborted comes only if the stock is sold out in between, as in `npm run lab -- chaos`.
const POINTS = PROTOCOL_POINTS.filter((point) => !isOfAbort(point)).map((point) => [nameOf(point), point] as const);

it.each(POINTS)('no span is doubled or orphaned when the process dies at: %s', async (_name, point: ProtocolPoint) => {
  const trace = (POINTS.findIndex(([, other]) => other === point) + 1).toString(16).padStart(32, 'a');
  collector.bodies.length = 0;
  const sale = await shop.offer();
  services.arm(point);
  const metadata = { traceparent: `00-${trace}-${CALLER}-01` };
  const accepted = shop.accept(sale, { instance: 'sales', timeoutMs: CALL_TIMEOUT_MS, metadata });
  await services.restartDead(point);
  await accepted;
  await shop.open();
  const killed = SERVICES[point.role];
  // Accepting it once more succeeds only when nothing is left of the first transaction.
  await eventually(async () => expect(await shop.accept(sale)).toBe('OK'));
  const spans = await eventually(() => {
    const all = collector.spans().filter(({ traceId }) => traceId === trace);
    expect(all.filter((span) => orphaned(span, all, killed))).toEqual([]);
    return all;
  });
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  received += spans.length;
  recoveries.push(...collector.spans().filter(({ name }) => name === 'transaction recover'));
});

it('spans of the others are there', () => {
  expect(received).toBeGreaterThan(100);
});

it('what recovered after a kill has a link to the trace that it goes on with', () => {
  const linked = recoveries.flatMap(({ links = [] }) => links.map(({ traceId }) => traceId));
  expect(linked.filter((id) => id.startsWith('aaaa')).length).toBeGreaterThan(0);
  expect(recoveries.filter(({ parentSpanId = '' }) => parentSpanId !== '')).toEqual([]);
});
