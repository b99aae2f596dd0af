import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import type { Channel } from '@rondo/rpc/client';
import { filePostgres } from '../../database/test/postgres.js';
import { PROTOCOL_POINTS } from '../src/exports/index.js';
import type { ProtocolPoint, TransactionEvent } from '../src/steps.js';
import { TRANSACTIONS_CHANNEL } from '../src/steps.js';
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

const postgres = filePostgres();
let home: Database;
let alpha: Database;
let beta: Database;
let network: ReturnType<typeof createNetwork>['network'];
let channel: Channel;

beforeAll(async () => {
  [home, alpha, beta] = await Promise.all([openBooks(postgres), openBooks(postgres), openBooks(postgres)]);
  ({ network, channel } = createNetwork());
});
afterAll(() => channel.close());

/** Whether all parts agree to the transaction, or its own service refuses it at the end. */
type Scenario = 'agreed' | 'refused';

const RESTART_MS = 100;
/** No case waits for it: a coordinator that comes back finds its undecided transaction expired. */
const TIMEOUT_MS = 60_000;
const EXPIRE = `UPDATE transaction_log SET expire_time = now(), due_time = now() WHERE coordinator = $1 AND state = 'preparing'`;
const POINTS_AT_ONCE = 4;

/** Runs one transaction over three databases, in which one process dies at a point; returns the outcome. */
async function die(point: ProtocolPoint, scenario: Scenario, number: number) {
  const id = BigInt(number);
  const names = { home: `home-${number}`, alpha: `alpha-${number}`, beta: `beta-${number}` };
  let current = startCoordinator(channel, names.home, home);
  const participants = {
    [names.alpha]: startParticipant(network, names.alpha, alpha),
    [names.beta]: startParticipant(network, names.beta, beta),
  };
  const restarts: Promise<unknown>[] = [];
  const begun = [current.coordinator];
  let died = false;

  const later = (restart: () => unknown) => pause(RESTART_MS).then(restart);
  const onEvent = (message: unknown): void => {
    const event = message as TransactionEvent;
    const here = event.transactionId.endsWith(`-${names.home}-1`) && !died;
    if (!here || event.role !== point.role || event.step !== point.step || event.moment !== point.moment) return;
    died = true;
    if (event.role === 'coordinator') {
      current.life.end();
      const restart = async () => {
        await home.query(EXPIRE, [names.home]);
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
    await eventually(async () => expect(await open(names.home)).toEqual([]));
    const amounts = await Promise.all([home, alpha, beta].map((database) => booked(database, id)));
    return { died, outcome, amounts };
  } finally {
    unsubscribe(TRANSACTIONS_CHANNEL, onEvent);
    await Promise.all(begun.map((coordinator) => coordinator.close()));
    for (const participant of Object.values(participants)) participant.kill();
  }
}

/** A coordinator's unfinished transactions and prepared branches. */
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

/** Crashes a process at each of the points, once per scenario. */
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

it('takes effect everywhere or nowhere, wherever a process dies', async () => {
  const results: Result[] = [];
  const points = [...PROTOCOL_POINTS];
  while (points.length > 0) results.push(...(await dieAt(points.splice(0, POINTS_AT_ONCE))));
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
  const died = results.flatMap((result) => (result.died ? [result.point] : []));
  expect(PROTOCOL_POINTS.filter((point) => !died.includes(point))).toEqual([]);
});

/** Where a participant may die for ever, each with a number of its own. */
const lasting = PROTOCOL_POINTS.filter(({ role }) => role === 'participant').map((point, number) => ({
  ...point,
  number,
}));

/** An abort happens only if its own service refuses at the end. */
const amountAtHome = (step: string) => (step.includes('abort') ? -1n : 3n);

it.each(lasting)('a participant that dies $moment $step and never comes back holds nothing else up', async (point) => {
  const { number, step, moment } = point;
  const names = { home: `left-${number}`, stays: `stays-${number}`, dies: `dies-${number}` };
  const { coordinator } = startCoordinator(channel, names.home, home);
  const lost = startParticipant(network, names.dies, beta);
  const survivor = startParticipant(network, names.stays, alpha);
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
    const id = BigInt(number * 2 + 1_001);
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
    await eventually(async () => expect(await prepared(alpha)).toEqual([]));
    const both = [await booked(home, id), await booked(alpha, id)].map((amount) => amount !== undefined);
    expect(both[0]).toBe(both[1]);
    if (outcome === 'committed') expect(both).toEqual([true, true]);
    if ((await prepared(beta)).length > 0) {
      const unfinished = `SELECT state FROM transaction_log WHERE coordinator = $1 AND state NOT IN ('committed', 'aborted')`;
      expect(await home.query(unfinished, [names.home])).toHaveLength(1);
    }
    // Other transactions go on.
    await run(id + 1n, [names.stays], 3n);
    await eventually(async () => expect(await booked(alpha, id + 1n)).toBe(1n));
    expect(died).toBe(true);
  } finally {
    unsubscribe(TRANSACTIONS_CHANNEL, onEvent);
    await coordinator.close();
    survivor.kill();
    // A branch that is left counts among the server's prepared transactions.
    for (const { gid } of await prepared(beta)) await beta.rollbackPrepared(gid);
  }
});
