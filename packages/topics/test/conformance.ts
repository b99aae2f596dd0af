import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Moved } from '@rondo/contracts/rondo/conformance/v1/topics';
import type { Database } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import type { AskedPlugin } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { filePostgres } from '../../database/test/postgres.js';
import { eventually, readable } from '../../jobs/test/fixture.js';
import { createTables, type FleetOptions, startFleet, write } from './fixture.js';

type Fleet = ReturnType<typeof startFleet>;

/** The name of a group of the topic. */
export const nameOf = (group: string) => `rondo.conformance.v1.Moved:${group}`;

/** A database, and the fleets of a test over it; their broker is at the URL that `broker` returns. */
export function topicsOf(broker: () => string | undefined, plugin: AskedPlugin['plugin'] = { kind: 'none' }) {
  const postgres = filePostgres();
  let database: Database;
  let fleets: Fleet[];
  let url: string | undefined;
  beforeEach(async () => {
    fleets = [];
    url = broker();
    database = await createTables(await postgres.createDatabase());
  });
  afterEach(async () => {
    await Promise.all(fleets.map((fleet) => fleet.close()));
    await database.close();
  });
  const begin = (options: FleetOptions = {}) => {
    const asked = url === undefined ? undefined : { plugin, url };
    const fleet = startFleet(database, { broker: asked && (() => asked), ...options });
    fleets.push(fleet);
    return fleet;
  };
  return {
    get database() {
      return database;
    },
    begin,
    get url() {
      return url ?? '';
    },
    /** Registers the four groups of the contract, or `group` alone. */
    async subscribed(options: FleetOptions = {}, group?: Parameters<Fleet['operator']['registerGroup']>[0]) {
      const fleet = begin(options);
      if (url !== undefined)
        await eventually(async () => expect(await database.query('SELECT FROM topic_relays')).toHaveLength(1));
      if (group === undefined) fleet.subscriber.start();
      else await fleet.operator.registerGroup(group);
      const groups = group === undefined ? 4 : 1;
      await eventually(async () => expect((await fleet.operator.listGroups({})).groups).toHaveLength(groups));
      return fleet;
    },
    /** The effects of a group, in their order. */
    async effects(reader = 'once') {
      const sql = 'SELECT piece || move AS effect FROM effects WHERE reader = $1 ORDER BY id';
      return (await database.query<{ effect: string }>(sql, [reader])).map(({ effect }) => effect);
    },
    /** How much is still to be delivered, or waits for an operator. */
    async left({ operator }: Fleet) {
      const unsent = await database.query('SELECT FROM topic_events WHERE waits');
      const { groups } = await operator.listGroups({});
      return groups.reduce(
        (sum, { waiting, running, failed }) => sum + waiting + running + failed,
        BigInt(unsent.length),
      );
    },
    write: (reader: string, event: Moved) => write(database, reader, event),
  };
}

/** What a topic with a retention guarantees, whatever carries its events. */
export function topicsConformance(topics: ReturnType<typeof topicsOf>): void {
  const { subscribed, effects, left } = topics;
  const dead = ({ operator }: Fleet, group = 'once') =>
    eventually(async () => {
      const event = (await operator.listGroups({})).events.find((one) => one.group === nameOf(group));
      if (event === undefined) throw new Error('none has failed yet');
      return event;
    });
  /** Fails for what is in the set. */
  const failing = (faulty: Set<string>) => ({
    once(event: Moved) {
      if (faulty.has(event.piece + event.move)) throw new RpcError(Status.FAILED_PRECONDITION, 'no such square');
      return topics.write('once', event);
    },
    strict(event: Moved) {
      if (faulty.has(event.piece + event.move)) throw new RpcError(Status.FAILED_PRECONDITION, 'no such square');
      return topics.write('strict', event);
    },
  });

  describe('an event', () => {
    it('reaches each group once its transaction has committed, and none if that is rolled back', async () => {
      const fleet = await subscribed();
      await expect(
        topics.database.transaction(async (transaction) => {
          await fleet.topics.publish(transaction, Moved, { piece: 'a', move: 1n });
          throw new Error('rolled back');
        }),
      ).rejects.toThrow('rolled back');
      await fleet.publish('b', 1);
      await eventually(async () => {
        for (const reader of ['once', 'strict', 'twin', 'atLeastOnce']) expect(await effects(reader)).toEqual(['b1']);
      });
      await eventually(async () => expect(await left(fleet)).toBe(0n));
    });

    it('comes after those of its key, also if one takes long, and another key does not wait', async () => {
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const fleet = await subscribed({
        watchers: {
          async once(event) {
            if (event.piece === 'slow' && event.move === 1n) await held;
            return topics.write('once', event);
          },
        },
      });
      for (const move of [1, 2, 3]) await fleet.publish('slow', move);
      await fleet.publish('fast', 1);
      await eventually(async () => expect(await effects()).toEqual(['fast1']));
      await eventually(async () => expect(await effects('strict')).toHaveLength(4)); // other groups don't wait
      release();
      await eventually(async () => expect(await effects()).toEqual(['fast1', 'slow1', 'slow2', 'slow3']));
      await eventually(async () => expect(await left(fleet)).toBe(0n));
    });

    it('of thousands in one key stops no other key', async () => {
      const faulty = new Set(['a0']);
      const fleet = await subscribed({ watchers: failing(faulty) });
      await topics.database.transaction(async (transaction) => {
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

    it('whose last attempt ran out of time is called once more, which learns the outcome by its key', async () => {
      let calls = 0;
      const watchers = {
        async twin(event: Moved, { signal }: { readonly signal: AbortSignal }) {
          calls += 1;
          const written = await topics.write('twin', event);
          if (calls === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return written;
        },
      };
      const { $type: topic } = Moved;
      const method = { service: 'rondo.conformance.v1.WatcherService', method: 'Twin', idempotencyLevel: '' };
      const idempotency = { source: { $case: 'metadata', value: 'idempotency-key' } } as const;
      const policy = { timeout: { seconds: 5n }, idempotency, subscription: { maxAttempts: 1 } };
      const fleet = await subscribed({ watchers }, { topic, group: 'twin', ...method, policy });
      for (const move of [1, 2]) await fleet.publish('a', move);
      await eventually(async () => expect(await left(fleet)).toBe(0n));
      expect(await effects('twin')).toEqual(['a1', 'a2']);
    });

    it('waits while no subscriber can be reached, and no attempt counts', async () => {
      let away = true;
      const fleet = await subscribed({
        watchers: {
          once(event) {
            if (away) throw new RpcError(Status.UNAVAILABLE, 'away');
            return topics.write('once', event);
          },
        },
      });
      for (let piece = 0; piece < 30; piece += 1) await fleet.publish(`p${piece}-`, 1);
      await eventually(async () => expect(await effects('strict')).toHaveLength(30));
      const [row] = await topics.database.query<{ attempts: number }>(
        'SELECT coalesce(max(attempts), 0)::integer AS attempts FROM jobs WHERE NOT failed AND claim IS NULL',
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
      await eventually(async () => expect(await left(fleet)).toBe(0n));
      const { events } = await fleet.operator.replayEvents({ group: nameOf('once') });
      expect(events).toBe(1n);
      await eventually(async () => expect(await effects('once')).toEqual(['a1', 'a1']));
      expect(await effects('strict')).toEqual(['a1']);
      const fromTime = new Date(Date.now() + 60_000);
      expect((await fleet.operator.replayEvents({ group: nameOf('once'), fromTime })).events).toBe(0n);
      expect(await failureOf(fleet.operator.replayEvents({ group: 'x' }))).toMatchObject({ code: Status.NOT_FOUND });
    });

    it('is replayed without what it has not taken yet, which it gets once', async () => {
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      let called = 0;
      const fleet = await subscribed({
        watchers: {
          async once(event) {
            called += 1;
            if (event.move === 2n) await held;
            return topics.write('once', event);
          },
        },
      });
      for (const move of [1, 2, 3]) await fleet.publish('a', move);
      await eventually(() => expect(called).toBe(2));
      await eventually(async () => expect(await effects('strict')).toHaveLength(3));
      expect((await fleet.operator.replayEvents({ group: nameOf('once') })).events).toBe(1n);
      release();
      await eventually(async () => expect(await left(fleet)).toBe(0n));
      expect((await effects()).toSorted()).toEqual(['a1', 'a1', 'a2', 'a3']);
    });

    it('whose contract can not be called lags, and the metric tells it', async () => {
      const { meter, read } = readable();
      const logged: string[] = [];
      const log = { ...silentLogger, error: (_: object, text: string) => void logged.push(text) };
      const fleet = await subscribed({ meter, log });
      await topics.database.query("UPDATE topic_groups SET policy = '' WHERE name = $1", [nameOf('once')]);
      await eventually(() => expect(logged).toEqual([expect.stringContaining("has a contract that can't be called")]));
      await fleet.publish('a', 1);
      await eventually(async () => expect(await effects('strict')).toEqual(['a1']));
      await eventually(async () => expect((await read())['rondo.topics.lag']).toBeGreaterThan(2));
      expect(await effects()).toEqual([]);
    });

    it('is removed with what waits for it', async () => {
      const fleet = await subscribed({ watchers: failing(new Set(['a1'])) });
      await fleet.publish('a', 1);
      await eventually(async () => expect(await left(fleet)).toBe(2n)); // the failed ones
      await fleet.operator.removeGroup({ group: nameOf('once') });
      await fleet.operator.removeGroup({ group: nameOf('strict') });
      expect(await left(fleet)).toBe(0n);
      expect((await fleet.operator.listGroups({})).groups).toHaveLength(2);
      expect(await failureOf(fleet.operator.removeGroup({ group: nameOf('once') }))).toMatchObject({
        code: Status.NOT_FOUND,
      });
    });
  });
}
