import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { PROTOCOL_POINTS, TRANSACTIONS_CHANNEL, type TransactionEvent } from '../src/exports/index.js';
import {
  book,
  booked,
  booking,
  createNetwork,
  eventually,
  openBooks,
  startCoordinator,
  startParticipant,
} from './cluster.js';

let postgres: TestPostgres;
let home: Database;
let stays: Database;
let dies: Database;

beforeAll(async () => {
  postgres = await startTestPostgres();
  [home, stays, dies] = await Promise.all([openBooks(postgres), openBooks(postgres), openBooks(postgres)]);
});
afterAll(async () => {
  await Promise.all([home, stays, dies].map((database) => database.close()));
  await postgres.stop();
});

/** No part of a transaction waits for this. */
const TIMEOUT_MS = 60_000;
const points = PROTOCOL_POINTS.filter(({ role }) => role === 'participant').map((point, number) => ({
  ...point,
  number,
}));

/** An abort happens only if its own service refuses at the end. */
const amountAtHome = (step: string) => (step.includes('abort') ? -1n : 3n);

it.each(points)('a participant that dies $moment $step and never comes back holds nothing else up', async (point) => {
  const { number, step, moment } = point;
  const names = { home: `home-${number}`, stays: `stays-${number}`, dies: `dies-${number}` };
  const { network, channel } = createNetwork();
  const { coordinator } = startCoordinator(channel, names.home, home);
  const lost = startParticipant(network, names.dies, dies);
  const survivor = startParticipant(network, names.stays, stays);
  const prepared = (database: Database) => database.listPrepared(`rondo:${names.home}:`);
  let died = false;
  const onEvent = (message: unknown): void => {
    const event = message as TransactionEvent;
    if (event.name !== names.dies || event.step !== step || event.moment !== moment) return;
    died = true;
    lost.kill();
  };
  subscribe(TRANSACTIONS_CHANNEL, onEvent);
  coordinator.start();
  try {
    const id = BigInt(number * 2 + 1);
    const run = (subject: bigint, participants: readonly string[], amount: bigint) =>
      coordinator.run({
        kind: 'book',
        subject: `${subject}`,
        timeoutMs: TIMEOUT_MS,
        participants: participants.map((name) => booking(name, subject, 1n)),
        local: (transaction) => book(transaction, { a: subject, b: amount }),
      });
    const outcome = await run(id, [names.dies, names.stays], amountAtHome(step)).then(
      () => 'committed',
      () => 'failed',
    );
    // The one that stays follows the decision; the lost one's branch keeps it in the log.
    await eventually(async () => expect(await prepared(stays)).toEqual([]));
    const both = [await booked(home, id), await booked(stays, id)].map((amount) => amount !== undefined);
    expect(both[0]).toBe(both[1]);
    if (outcome === 'committed') expect(both).toEqual([true, true]);
    if ((await prepared(dies)).length > 0) {
      const unfinished = `SELECT state FROM transaction_log WHERE coordinator = $1 AND state NOT IN ('committed', 'aborted')`;
      expect(await home.query(unfinished, [names.home])).toHaveLength(1);
    }
    // Other transactions go on.
    await run(id + 1n, [names.stays], 3n);
    await eventually(async () => expect(await booked(stays, id + 1n)).toBe(1n));
    expect(died).toBe(true);
  } finally {
    unsubscribe(TRANSACTIONS_CHANNEL, onEvent);
    await coordinator.close();
    survivor.kill();
    channel.close();
    // A branch that is left counts among the server's prepared transactions.
    for (const { gid } of await prepared(dies)) await dies.rollbackPrepared(gid);
  }
});
