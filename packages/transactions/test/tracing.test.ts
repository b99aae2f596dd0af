import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import type { Channel } from '@rondo/rpc/client';
import { traceCalls } from '@rondo/rpc/tracing';
import { filePostgres } from '../../database/test/postgres.js';
import { recordSpans } from '../../rpc/test/support/spans.js';
import type { Coordinator } from '../src/coordinator/coordinator.js';
import { book, booking, createNetwork, eventually, openBooks, startCoordinator, startParticipant } from './cluster.js';

const { take, tracer } = recordSpans(traceCalls);
const postgres = filePostgres();
let home: Database;
let away: Database;
let network: ReturnType<typeof createNetwork>['network'];
let channel: Channel;

beforeAll(async () => {
  [home, away] = await Promise.all([openBooks(postgres), openBooks(postgres)]);
  ({ network, channel } = createNetwork());
});
afterAll(() => channel.close());

/** Runs a transaction as part of a call; gives its trace. */
async function transfer(coordinator: Coordinator, id: bigint, atEnd = () => {}): Promise<string> {
  return tracer.startActiveSpan('accept', async (span) => {
    await coordinator.run({
      kind: 'book',
      subject: String(id),
      participants: [booking('alpha', id, 1n)] as const,
      local: async (transaction) => {
        await book(transaction, { a: id, b: 1n });
        atEnd();
      },
    });
    span.end();
    return span.spanContext().traceId;
  });
}

it('a transaction is part of the trace of its call, with each step and each statement', async () => {
  const alpha = startParticipant(network, 'alpha', away);
  const { coordinator } = startCoordinator(channel, 'c1', home);
  const trace = await transfer(coordinator, 1n);
  const spans = take().filter((span) => span.spanContext().traceId === trace);
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  expect(
    spans.filter(({ parentSpanContext }) => !ids.has(parentSpanContext?.spanId ?? '')).map(({ name }) => name),
  ).toEqual(['accept']);
  const steps = spans.map(({ name }) => name).filter((name) => name.startsWith('transaction '));
  expect([...steps].sort()).toEqual([
    'transaction commit',
    'transaction log-committing',
    'transaction log-finished',
    'transaction log-preparing',
    'transaction operation',
    'transaction prepare',
    'transaction send-commit',
    'transaction send-prepare',
  ]);
  const texts = spans.map(({ attributes }) => String(attributes['db.query.text']));
  expect(texts).toContain('INSERT INTO bookings VALUES ($1, $2)');
  expect(texts).toContain('PREPARE TRANSACTION ?');
  expect(spans.map(({ name }) => name)).toContain('INSERT bookings');
  await coordinator.close();
  alpha.kill();
});

it('a transaction that another process recovers begins a trace, with a link to the first one', async () => {
  const dying = startParticipant(network, 'alpha', away);
  const first = startCoordinator(channel, 'c2', home);
  const trace = await transfer(first.coordinator, 2n, () => dying.kill());
  first.life.end();
  take();
  const alpha = startParticipant(network, 'alpha', away);
  const second = startCoordinator(channel, 'c2', home);
  second.coordinator.start();
  const spans: ReturnType<typeof take>[number][] = [];
  await eventually(async () => {
    spans.push(...take());
    expect(spans.map(({ name }) => name)).toContain('transaction log-finished');
  });
  await second.coordinator.close();
  spans.push(...take());
  alpha.kill();
  const recovered = spans.find(({ name }) => name === 'transaction recover');
  expect(recovered?.parentSpanContext).toBeUndefined();
  expect(recovered?.spanContext().traceId).not.toBe(trace);
  expect(recovered?.links.map(({ context }) => context.traceId)).toEqual([trace]);
  // All that the recovery does is below it, and nothing of it in the first trace.
  expect(new Set(spans.map((span) => span.spanContext().traceId)).has(trace)).toBe(false);
  expect(spans.map(({ name }) => name)).toContain('transaction commit');
});
