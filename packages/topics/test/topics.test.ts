import { describe, expect, it } from '@jest/globals';
import { Moved, MoverServiceDefinition, Touched } from '@rondo/contracts/rondo/conformance/v1/topics';
import type { Queries } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf } from '@rondo/rpc/testing';
import { eventually } from '../../jobs/test/fixture.js';
import { createTopics } from '../src/exports/index.js';
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
  it('loses what the retention ends, which is counted', async () => {
    const fleet = await topics.subscribed({
      watchers: { once: () => Promise.reject(new RpcError(Status.UNAVAILABLE, 'away')) },
    });
    await fleet.publish('a', 1);
    await eventually(async () => expect(await topics.effects('strict')).toEqual(['a1']));
    await topics.database.query("UPDATE topic_events SET create_time = now() - interval '2 days'");
    topics.begin(); // its first round trims
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
    const { groups } = await fleet.operator.listGroups({});
    expect(groups.map(({ name, cut }) => [name, cut])).toEqual(
      GROUPS.map((group) => [nameOf(group), group === 'once' ? 1n : 0n]),
    );
  });

  it('is refused after 32 of a topic, and with a contract that contradicts itself', async () => {
    const { operator } = topics.begin();
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
    expect(() => createTopics({ ...options, database: topics.database, log: silentLogger, ...change })).toThrow(text);
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
