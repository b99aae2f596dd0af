import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Moved, MoverServiceDefinition, Touched } from '@rondo/contracts/rondo/conformance/v1/topics';
import type { Database, Queries } from '@rondo/database';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { silentLogger } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf } from '@rondo/rpc/testing';
import { eventually } from '../../jobs/test/fixture.js';
import { createTopics } from '../src/exports/index.js';
import { createTables, startFleet, write } from './fixture.js';

let postgres: TestPostgres;
let database: Database;
let fleets: ReturnType<typeof startFleet>[];

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  fleets = [];
  database = await createTables(await postgres.createDatabase());
});
afterEach(async () => {
  await Promise.all(fleets.map((fleet) => fleet.close()));
  await database.close();
});

const GROUPS = [
  'once',
  'rondo.conformance.v1.WatcherService.AtLeastOnce',
  'rondo.conformance.v1.WatcherService.Twin',
  'strict',
];
const nameOf = (group: string) => `rondo.conformance.v1.Moved:${group}`;

function begin(options: Parameters<typeof startFleet>[1] = {}) {
  const fleet = startFleet(database, options);
  fleets.push(fleet);
  return fleet;
}

async function subscribed(options: Parameters<typeof startFleet>[1] = {}) {
  const fleet = begin(options);
  fleet.subscriber.start();
  await eventually(async () => expect((await fleet.operator.listGroups({})).groups).toHaveLength(4));
  return fleet;
}

/** The effects of a group, in their order. */
const effects = async (reader = 'once') =>
  (
    await database.query<{ effect: string }>(
      'SELECT piece || move AS effect FROM effects WHERE reader = $1 ORDER BY id',
      [reader],
    )
  ).map(({ effect }) => effect);
const dead = ({ operator }: ReturnType<typeof startFleet>, group = 'once') =>
  eventually(async () => {
    const event = (await operator.listGroups({})).events.find((one) => one.group === nameOf(group));
    if (event === undefined) throw new Error('none has failed yet');
    return event;
  });
const waiting = async () => (await database.one<{ n: bigint }>('SELECT count(*) AS n FROM jobs')).n;

/** Fails for what is in the set. */
const failing = (faulty: Set<string>) => ({
  once(event: Moved) {
    if (faulty.has(event.piece + event.move)) throw new RpcError(Status.FAILED_PRECONDITION, 'no such square');
    return write(database, 'once', event);
  },
  strict(event: Moved) {
    if (faulty.has(event.piece + event.move)) throw new RpcError(Status.FAILED_PRECONDITION, 'no such square');
    return write(database, 'strict', event);
  },
});

describe('an event', () => {
  it('reaches each group once its transaction has committed, and none if that is rolled back', async () => {
    const fleet = await subscribed();
    await expect(
      database.transaction(async (transaction) => {
        await fleet.topics.publish(transaction, Moved, { piece: 'a', move: 1n });
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    await fleet.publish('b', 1);
    await eventually(async () => {
      for (const reader of ['once', 'strict', 'twin', 'atLeastOnce']) expect(await effects(reader)).toEqual(['b1']);
      expect(await waiting()).toBe(0n);
    });
  });

  it('is published in one statement, and has no row beside its own if no group subscribes', async () => {
    const fleet = begin();
    const statements: string[] = [];
    await database.transaction(async (transaction) => {
      const counting: Queries = {
        ...transaction,
        query(sql, ...rest) {
          statements.push(sql);
          return transaction.query(sql, ...rest);
        },
      };
      await fleet.topics.publish(counting, Moved, { piece: 'a', move: 1n });
    });
    expect(statements).toHaveLength(1);
    expect(await waiting()).toBe(0n);
    expect(await database.query('SELECT FROM topic_events')).toHaveLength(1);
  });

  it('comes after those of its key, also if one takes long, and another key does not wait', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const fleet = await subscribed({
      watchers: {
        async once(event) {
          if (event.piece === 'slow' && event.move === 1n) await held;
          return write(database, 'once', event);
        },
      },
    });
    for (const move of [1, 2, 3]) await fleet.publish('slow', move);
    await fleet.publish('fast', 1);
    await eventually(async () => expect(await effects()).toEqual(['fast1']));
    await eventually(async () => expect(await effects('strict')).toHaveLength(4)); // other groups don't wait
    release();
    await eventually(async () => expect(await effects()).toEqual(['fast1', 'slow1', 'slow2', 'slow3']));
    await eventually(async () => expect(await waiting()).toBe(0n));
  });

  it('of thousands in one key stops no other key', async () => {
    const faulty = new Set(['a0']);
    const fleet = await subscribed({ watchers: failing(faulty) });
    await database.transaction(async (transaction) => {
      for (let move = 0; move < 300; move += 1)
        await fleet.topics.publish(transaction, Moved, { piece: 'a', move: BigInt(move) });
    });
    await fleet.publish('b', 1);
    await eventually(async () => expect(await effects('strict')).toEqual(['b1']));
    await eventually(async () => expect(await effects('once')).toHaveLength(300)); // all but a0
    const ofKey = (await effects('once')).filter((effect) => effect.startsWith('a'));
    expect(ofKey).toEqual(Array.from({ length: 299 }, (_, index) => `a${index + 1}`));
  });

  it('that fails for good is kept for an operator, and its key goes on or stops, as its contract says', async () => {
    const faulty = new Set(['a1']);
    const fleet = await subscribed({ watchers: failing(faulty) });
    await fleet.publish('a', 1);
    await fleet.publish('a', 2);
    await eventually(async () => expect(await effects()).toEqual(['a2']));
    const [letter, stopped] = [await dead(fleet), await dead(fleet, 'strict')];
    expect(letter).toMatchObject({ attempts: 1, key: 'a', error: expect.stringContaining('no such square') });
    expect(await effects('strict')).toEqual([]);
    faulty.clear();
    // The outcome of its key is final, so an operator replays it or discards it.
    await fleet.operator.discardEvent({ id: stopped.id });
    await eventually(async () => expect(await effects('strict')).toEqual(['a2']));
    expect(await failureOf(fleet.operator.retryEvent({ id: stopped.id }))).toMatchObject({ code: Status.NOT_FOUND });
  });

  it('waits while no subscriber can be reached, and no attempt counts', async () => {
    let away = true;
    const fleet = await subscribed({
      watchers: {
        once(event) {
          if (away) throw new RpcError(Status.UNAVAILABLE, 'away');
          return write(database, 'once', event);
        },
      },
    });
    for (let piece = 0; piece < 30; piece += 1) await fleet.publish(`p${piece}-`, 1);
    await eventually(async () => expect(await effects('strict')).toHaveLength(30));
    const [row] = await database.query<{ attempts: number }>(
      'SELECT max(attempts)::integer AS attempts FROM jobs WHERE NOT failed AND claim IS NULL',
    );
    expect(row?.attempts).toBe(0);
    away = false;
    await eventually(async () => expect(await effects('once')).toHaveLength(30));
  });
});

describe('a group', () => {
  it('gets what was published while its subscribers were away, and is replayed alone', async () => {
    const fleet = await subscribed();
    await fleet.publish('a', 1);
    await eventually(async () => expect(await waiting()).toBe(0n));
    const { events } = await fleet.operator.replayEvents({ group: nameOf('once') });
    expect(events).toBe(1n);
    await eventually(async () => expect(await effects('once')).toEqual(['a1', 'a1']));
    expect(await effects('strict')).toEqual(['a1']);
    const fromTime = new Date(Date.now() + 60_000);
    expect((await fleet.operator.replayEvents({ group: nameOf('once'), fromTime })).events).toBe(0n);
    expect(await failureOf(fleet.operator.replayEvents({ group: 'x' }))).toMatchObject({ code: Status.NOT_FOUND });
  });

  it('loses what the retention ends, which is counted', async () => {
    const fleet = await subscribed({
      watchers: { once: () => Promise.reject(new RpcError(Status.UNAVAILABLE, 'away')) },
    });
    await fleet.publish('a', 1);
    await eventually(async () => expect(await effects('strict')).toEqual(['a1']));
    await database.query("UPDATE topic_events SET create_time = now() - interval '2 days'");
    begin(); // its first round trims
    await eventually(async () => expect(await waiting()).toBe(0n));
    const { groups } = await fleet.operator.listGroups({});
    expect(groups.map(({ name, cut }) => [name, cut])).toEqual(
      GROUPS.map((group) => [nameOf(group), group === 'once' ? 1n : 0n]),
    );
  });

  it('is removed with what waits for it', async () => {
    const fleet = await subscribed({ watchers: failing(new Set(['a1'])) });
    await fleet.publish('a', 1);
    await dead(fleet);
    await fleet.operator.removeGroup({ group: nameOf('once') });
    await fleet.operator.removeGroup({ group: nameOf('strict') });
    expect(await waiting()).toBe(0n);
    expect((await fleet.operator.listGroups({})).groups).toHaveLength(2);
    expect(await failureOf(fleet.operator.removeGroup({ group: nameOf('once') }))).toMatchObject({
      code: Status.NOT_FOUND,
    });
  });

  it('is refused after 32 of a topic, and with a contract that contradicts itself', async () => {
    const { operator } = begin();
    const one = { topic: 'rondo.conformance.v1.Moved', service: 's.v1.S', method: 'M', idempotencyLevel: 'IDEMPOTENT' };
    const policy = { subscription: {} };
    for (let count = 0; count < 32; count += 1) await operator.registerGroup({ ...one, policy, group: `g${count}` });
    await operator.registerGroup({ ...one, policy, group: 'g1' });
    expect(await failureOf(operator.registerGroup({ ...one, policy, group: 'more' }))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
    });
    for (const [change, text] of [
      [{ group: 'a:b' }, 'its name is "a:b"'],
      [{ policy: {} }, 's.v1.S/M has no subscription'],
      [{ idempotencyLevel: '' }, 'subscription calls more than once'],
      [{ policy: { subscription: { maxAttempts: 101 } } }, 'subscription.max_attempts is 101'],
      [{ topic: 'x.v1.X' }, 'there is no topic x.v1.X here; there are: rondo.conformance.v1.Moved'],
    ] as const)
      expect(String(await failureOf(operator.registerGroup({ ...one, policy, group: 'g', ...change })))).toContain(
        text,
      );
  });
});

describe('a publisher', () => {
  const options = { topics: [Moved], services: [MoverServiceDefinition], channel: createTestChannel({ services: [] }) };

  it.each([
    [
      { services: [] },
      "published by rondo.conformance.v1.MoverService, as its (rondo.options.v1.topic) says, and this process doesn't serve that",
    ],
    [{ topics: [{ ...Moved, topic: undefined }] }, 'is no topic'],
    [{ topics: [Touched] }, 'rondo.conformance.v1.Touched is ephemeral: publish it by createEphemeralTopics'],
  ])('of what it may not publish is refused at its start: %#', (change, text) => {
    expect(() => createTopics({ ...options, database, log: silentLogger, ...change })).toThrow(text);
  });

  it('of what is too large, or none of its topics, is refused', async () => {
    const topics = createTopics({ ...options, topics: [], database, log: silentLogger });
    await expect(topics.publish(database, Moved, {})).rejects.toThrow('is none of this service');
    const { topics: own } = begin();
    await expect(own.publish(database, Moved, { piece: 'x'.repeat(5 * 1024 * 1024) })).rejects.toThrow(
      'at most 256 KiB',
    );
    await expect(own.publish(database, Moved, { piece: 'x'.repeat(201) })).rejects.toThrow('at most 200 characters');
  });
});
