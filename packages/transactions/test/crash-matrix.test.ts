import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import type { Channel } from '@rondo/rpc/client';
import type { MemoryNetwork } from '@rondo/rpc/testing';
import { PROTOCOL_POINTS, type ProtocolPoint, TRANSACTIONS_CHANNEL, type TransactionEvent } from '../src/index.js';
import { book, booked, booking, createNetwork, openBooks, startCoordinator, startParticipant, eventually } from './cluster.js';

let postgres: TestPostgres;
let home: Database;
let alpha: Database;
let beta: Database;
let network: MemoryNetwork;
let channel: Channel;

beforeAll(async () => {
  postgres = await startTestPostgres();
  [home, alpha, beta] = await Promise.all([openBooks(postgres), openBooks(postgres), openBooks(postgres)]);
  ({ network, channel } = createNetwork());
});
afterAll(async () => {
  channel.close();
  await Promise.all([home, alpha, beta].map((database) => database.close()));
  await postgres.stop();
});

/** Whether all agree to the transaction, or its own service refuses it at last. */
type Scenario = 'agreed' | 'refused';

const RESTART_MS = 100;
/** What isn't decided by then is aborted: the longest wait here, and long enough for those at once on a busy machine. */
const TIMEOUT_MS = 4_000;
/** All points at once would keep one process so busy that its messages expire, and are sent again, faster than it answers. */
const POINTS_AT_ONCE = 6;
/** A transaction that was aborted for its time comes to no later point: its case is tried again. */
const ROUNDS = 3;

/** One transaction over three databases, of which one process dies at a point; what became of it. */
async function die(point: ProtocolPoint, scenario: Scenario, number: number) {
  const id = BigInt(number);
  const names = { home: `home-${number}`, alpha: `alpha-${number}`, beta: `beta-${number}` };
  let current = startCoordinator(channel, names.home, home);
  const participants = {
    [names.alpha]: startParticipant(network, names.alpha, alpha),
    [names.beta]: startParticipant(network, names.beta, beta),
  };
  const restarts: Promise<void>[] = [];
  const begun = [current.coordinator];
  let died = false;

  const later = (restart: () => void) =>
    new Promise<void>((resolve) => setTimeout(() => resolve(restart()), RESTART_MS));
  const onEvent = (message: unknown): void => {
    const event = message as TransactionEvent;
    const here = event.transactionId === `${names.home}-1` && !died;
    if (!here || event.role !== point.role || event.step !== point.step || event.moment !== point.moment) return;
    died = true;
    if (event.role === 'coordinator') {
      current.life.end();
      const restart = () => {
        current = startCoordinator(channel, names.home, home);
        begun.push(current.coordinator);
        current.coordinator.start();
      };
      restarts.push(later(restart));
      return;
    }
    participants[event.name]?.kill();
    const database = event.name === names.alpha ? alpha : beta;
    const restart = () => {
      participants[event.name] = startParticipant(network, event.name, database);
    };
    restarts.push(later(restart));
  };
  subscribe(TRANSACTIONS_CHANNEL, onEvent);
  current.coordinator.start();
  try {
    const outcome = await current.coordinator
      .run({
        kind: 'book',
        subject: `${id}`,
        timeoutMs: TIMEOUT_MS,
        participants: [booking(names.beta, id, 2n), booking(names.alpha, id, 1n)],
        local: (transaction, [{ result }]) => book(transaction, { a: id, b: scenario === 'agreed' ? result : -1n }),
      })
      .then(
        () => 'committed',
        () => 'failed',
      );
    await Promise.all(restarts);
    const amounts = async () => await Promise.all([home, alpha, beta].map((database) => booked(database, id)));
    await eventually(async () => {
      expect(await open(names.home)).toEqual([]);
    });
    return { died, outcome, amounts: await amounts() };
  } finally {
    unsubscribe(TRANSACTIONS_CHANNEL, onEvent);
    await Promise.all(begun.map((coordinator) => coordinator.close()));
    for (const participant of Object.values(participants)) participant.kill();
  }
}

/** What isn't finished of a coordinator's transactions, and what is left prepared. */
async function open(coordinator: string): Promise<unknown[]> {
  const unfinished = await home.query(
    `SELECT state FROM transaction_log WHERE coordinator = $1 AND state NOT IN ('committed', 'aborted')`,
    [coordinator],
  );
  const prepared = await Promise.all([alpha, beta].map((database) => database.listPrepared(`rondo:${coordinator}:`)));
  return [...unfinished, ...prepared.flat()];
}

const ALL = [1002n, 1n, 2n];
const NONE = [undefined, undefined, undefined];

interface Case {
  readonly point: ProtocolPoint;
  readonly scenario: Scenario;
}

type Result = Case & Awaited<ReturnType<typeof die>>;

let cases = 0;

/** Lets a process die at each of the points, once where all agree and once where one refuses. */
async function dieAt(points: readonly ProtocolPoint[]): Promise<Result[]> {
  const scenarios = ['agreed', 'refused'] as const;
  return await Promise.all(
    points.flatMap((point) =>
      scenarios.map(async (scenario) => {
        cases += 1;
        return { point, scenario, ...(await die(point, scenario, cases)) };
      }),
    ),
  );
}

it('ends in all or nothing, wherever a process dies', async () => {
  const results: Result[] = [];
  const missed = () =>
    PROTOCOL_POINTS.filter((point) => !results.some((result) => result.point === point && result.died));
  for (let round = 0; round < ROUNDS && missed().length > 0; round += 1) {
    const points = missed();
    while (points.length > 0) results.push(...(await dieAt(points.splice(0, POINTS_AT_ONCE))));
  }
  for (const { point, scenario, outcome, amounts } of results) {
    const named = { ...point, scenario, outcome, amounts };
    if (scenario === 'refused') expect({ ...named, outcome: 'failed', amounts: NONE }).toEqual(named);
    else if (outcome === 'committed') expect({ ...named, amounts: ALL }).toEqual(named);
    else
      expect([
        { ...named, amounts: ALL },
        { ...named, amounts: NONE },
      ]).toContainEqual(named);
  }
  expect(missed()).toEqual([]);
});
