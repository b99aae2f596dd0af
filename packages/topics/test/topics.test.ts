import { describe, expect, it } from '@jest/globals';
import { Moved, MoverServiceDefinition, Touched } from '@rondo/contracts/rondo/conformance/v1/topics';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import type { Queries } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf } from '@rondo/rpc/testing';
import { eventually, readable } from '../../jobs/test/fixture.js';
import { createTopics } from '../src/exports/index.js';
import { encodeEvent } from '../src/topic.js';
import { nameOf, topicsConformance, topicsOf } from './conformance.js';

const topics = topicsOf(() => undefined);
topicsConformance(topics);

const GROUPS = [
  'once',
  'rondo.conformance.v1.WatcherService.AtLeastOnce',
  'rondo.conformance.v1.WatcherService.Twin',
  'strict',
];

describe('an event that the database carries', () => {
  it('is published in one statement, and has no row beside its own if no group subscribes', async () => {
    const fleet = topics.begin();
    const statements: string[] = [];
    await topics.database.transaction(async (transaction) => {
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
    expect(await topics.database.query('SELECT FROM jobs')).toEqual([]);
    expect(await topics.database.query('SELECT FROM topic_events')).toHaveLength(1);
  });

  it('waits while its subscribers have too much to do, and no attempt counts', async () => {
    let [isBusy, refusals] = [true, 0];
    const fleet = await topics.subscribed({
      watchers: {
        once(event) {
          refusals += 1;
          if (isBusy) throw new RpcError(Status.RESOURCE_EXHAUSTED, 'busy', { retryPushbackMs: 20 });
          return topics.write('once', event);
        },
      },
    });
    await fleet.publish('a', 1);
    await eventually(async () => {
      const sql = 'SELECT attempts FROM jobs WHERE claim IS NULL AND method = $1';
      expect(await topics.database.query(sql, [nameOf('once')])).toEqual([{ attempts: 0 }]);
      expect(refusals).toBeGreaterThan(0);
    });
    isBusy = false;
    await eventually(async () => expect(await topics.effects()).toEqual(['a1']));
  });

  it('is refused at the start if a replica has begun to publish it over NATS', async () => {
    await topics.database.query("INSERT INTO topic_relays VALUES ('rondo.conformance.v1.Moved')");
    const services = [MoverServiceDefinition];
    const channel = createTestChannel({ services: [] });
    const own = createTopics({ database: topics.database, topics: [Moved], services, channel, log: silentLogger });
    await expect(own.start()).rejects.toThrow('rondo.conformance.v1.Moved is carried by NATS');
    await own.close();
  });
});

describe('a group that the database calls', () => {
  it('loses what the retention ends, which is counted, and the next event of the key goes on', async () => {
    const { meter, read } = readable();
    let away = true;
    const fleet = await topics.subscribed({
      watchers: {
        once(event) {
          if (away) throw new RpcError(Status.UNAVAILABLE, 'away');
          return topics.write('once', event);
        },
      },
      meter,
    });
    for (const move of [1, 2]) await fleet.publish('a', move);
    await eventually(async () => expect(await topics.effects('strict')).toEqual(['a1', 'a2']));
    const blocked = "SELECT FROM jobs WHERE due_time = '9999-01-01' AND method = $1";
    await eventually(async () => expect(await topics.database.query(blocked, [nameOf('once')])).toHaveLength(1));
    await eventually(async () => expect((await read())['rondo.topics.cut']).toBe(0)); // within a second, or it is read again
    await topics.database.query(
      "UPDATE topic_events SET create_time = now() - interval '2 days' WHERE place = (SELECT min(place) FROM topic_events)",
    );
    topics.begin(); // its first round trims
    await eventually(async () => expect((await read())['rondo.topics.cut']).toBe(1));
    away = false;
    await eventually(async () => expect(await topics.effects()).toEqual(['a2']));
    const { groups } = await fleet.operator.listGroups({});
    expect(groups.map(({ name, cut }) => [name, cut])).toEqual(
      GROUPS.map((group) => [nameOf(group), group === 'once' ? 1n : 0n]),
    );
  });

  it('begins without what was published while one of its name was being removed', async () => {
    const fleet = topics.begin();
    await topics.database.query("INSERT INTO jobs (method, key, request, due_time) VALUES ($1, 'left', '', now())", [
      nameOf('once'),
    ]);
    fleet.subscriber.start();
    await eventually(async () => expect((await fleet.operator.listGroups({})).groups).toHaveLength(4));
    await fleet.publish('b', 1);
    await eventually(async () =>
      expect([await topics.effects('strict'), await topics.left(fleet)]).toEqual([['b1'], 0n]),
    );
    expect(await topics.effects()).toEqual(['b1']);
  });

  it('is refused after 32 of a topic, of however many at once, and with a contract that contradicts itself', async () => {
    const { operator } = topics.begin();
    const one = { topic: 'rondo.conformance.v1.Moved', service: 's.v1.S', method: 'M', idempotencyLevel: 'IDEMPOTENT' };
    const policy = { subscription: {} };
    // A call that a busy machine doesn't end in its time is made again.
    const register = (_: unknown, count: number) =>
      eventually(async () => {
        try {
          await operator.registerGroup({ ...one, policy, group: `g${count}` });
          return true;
        } catch (fault) {
          if (fault instanceof RpcError && fault.code === Status.RESOURCE_EXHAUSTED) return false;
          throw fault;
        }
      });
    const registered = await Promise.all(Array.from({ length: 40 }, register));
    expect(registered.filter((isIn) => isIn)).toHaveLength(32);
    const [known] = (await operator.listGroups({})).groups;
    await operator.registerGroup({ ...one, policy, group: `${known?.name.split(':')[1]}` });
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

describe('a process with a certificate', () => {
  const one = {
    ...{ topic: 'rondo.conformance.v1.Moved', group: 'g', service: 's.v1.S', method: 'M' },
    ...{ idempotencyLevel: 'IDEMPOTENT', policy: { subscription: {} } },
  };
  const as = (identity: string) => {
    const publisher = topics.begin({ mayServe: (caller, service) => caller.endsWith('/s') && service === one.service });
    const channel = createTestChannel({ services: [publisher.topics.service], identity: `spiffe://rondo/${identity}` });
    return createClient(EventServiceDefinition, { channel });
  };

  it('registers methods that it may serve, and no others', async () => {
    await as('s').registerGroup(one);
    for (const refused of [as('other').registerGroup(one), as('s').registerGroup({ ...one, service: 't.v1.T' })])
      expect(await failureOf(refused)).toMatchObject({
        code: Status.PERMISSION_DENIED,
        message: expect.stringContaining('may not register a method of'),
      });
  });

  it('shows and resolves events only if it is an operator', async () => {
    const group = nameOf('g');
    await as('s').registerGroup(one);
    const { listGroups, retryEvent, discardEvent, replayEvents, removeGroup } = as('s');
    const calls = [listGroups({}), retryEvent({}), discardEvent({}), replayEvents({ group }), removeGroup({ group })];
    for (const refused of calls) expect(await failureOf(refused)).toMatchObject({ code: Status.PERMISSION_DENIED });
    await as('person/ada').removeGroup({ group });
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
    expect(() => createTopics({ ...options, database: topics.database, log: silentLogger, ...change })).toThrow(text);
  });

  it('gives an event no key if that is an optional field, and missing', async () => {
    const topic = { service: MoverServiceDefinition.fullName, key: 'left_out', retentionMs: undefined };
    expect((await encodeEvent({ ...Moved, topic }, {})).key).toBe('');
  });

  it('of what is too large, or none of its topics, is refused', async () => {
    const none = createTopics({ ...options, topics: [], database: topics.database, log: silentLogger });
    await expect(none.publish(topics.database, Moved, {})).rejects.toThrow('is none of this service');
    const { topics: own } = topics.begin();
    await expect(own.publish(topics.database, Moved, { piece: 'x'.repeat(5 * 1024 * 1024) })).rejects.toThrow(
      'at most 256 KiB',
    );
    await expect(own.publish(topics.database, Moved, { piece: 'x'.repeat(201) })).rejects.toThrow(
      'at most 200 characters',
    );
  });
});
