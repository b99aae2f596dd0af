import { describe, expect, it } from '@jest/globals';
import { Moved, MoverServiceDefinition, Touched } from '@rondo/contracts/rondo/conformance/v1/topics';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import type { Database, Queries, QueryOptions, SqlValue } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf, ManualClock } from '@rondo/rpc/testing';
import { eventually, readable } from '../../jobs/test/fixture.js';
import { createTopics } from '../src/exports/index.js';
import { encodeEvent } from '../src/topic.js';
import { nameOf, topicsConformance, topicsOf } from './conformance.js';
import type { FleetOptions } from './fixture.js';

const topics = topicsOf(() => undefined);
topicsConformance(topics);

const GROUPS = [
  'once',
  'rondo.conformance.v1.WatcherService.AtLeastOnce',
  'rondo.conformance.v1.WatcherService.Twin',
  'strict',
];

describe('an event that the database carries', () => {
  it('is published in one statement, and has no row next to its own if no group subscribes', async () => {
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

  it('that its subscriber refuses is listed with the last reason, and how often', async () => {
    const fleet = await topics.subscribed({
      watchers: {
        once() {
          throw new RpcError(Status.UNAVAILABLE, 'the board is full');
        },
      },
    });
    await fleet.publish('a', 1);
    await eventually(async () => {
      const [refused, ...others] = (await fleet.operator.listGroups({})).refused;
      expect(refused).toMatchObject({ group: nameOf('once'), key: 'a', attempts: 0 });
      expect(refused?.error).toContain('the board is full');
      expect(refused?.refusals).toBeGreaterThan(1);
      expect(others).toEqual([]);
    });
  });

  it('that fails and is tried again is listed with the last error, until it is taken', async () => {
    let repair = () => {};
    const repaired = new Promise<void>((resolve) => (repair = resolve));
    let calls = 0;
    const fleet = await topics.subscribed({
      watchers: {
        async once(event) {
          calls += 1;
          if (calls < 3) throw new RpcError(Status.INTERNAL, 'the board is broken');
          await repaired;
          return topics.write('once', event);
        },
      },
    });
    for (const move of [1, 2]) await fleet.publish('a', move);
    await eventually(async () => {
      const { events, refused } = await fleet.operator.listGroups({});
      const error = expect.stringContaining('the board is broken');
      expect(refused).toMatchObject([{ group: nameOf('once'), key: 'a', attempts: 3, refusals: 0, error }]);
      expect(events).toEqual([]);
    });
    repair();
    await eventually(async () => expect(await topics.effects()).toEqual(['a1', 'a2']));
    await eventually(async () => expect((await fleet.operator.listGroups({})).refused).toEqual([]));
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

  it.each([2_592_000_000, Infinity])('waits an hour at most for a subscriber that asks for more: %d ms', async (ms) => {
    const fleet = await topics.subscribed({
      watchers: {
        once() {
          throw new RpcError(Status.UNAVAILABLE, 'the board is full', { retryPushbackMs: ms });
        },
      },
    });
    await fleet.publish('a', 1);
    const sql = "SELECT due_time < now() + interval '1 h' AS soon FROM jobs WHERE method = $1 AND error LIKE '%full'";
    await eventually(async () => expect(await topics.database.query(sql, [nameOf('once')])).toEqual([{ soon: true }]));
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
    const fleet = await topics.subscribed({
      watchers: {
        once(event) {
          if (event.move === 1n) throw new RpcError(Status.UNAVAILABLE, 'away');
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
    await eventually(async () => expect(await topics.effects()).toEqual(['a2']));
    const { groups } = await fleet.operator.listGroups({});
    expect(groups.map(({ name, cut }) => [name, cut])).toEqual(
      GROUPS.map((group) => [nameOf(group), group === 'once' ? 1n : 0n]),
    );
  });

  it('has its contract read when it has changed, and never if that is too large', async () => {
    const read: unknown[] = [];
    const logged: unknown[] = [];
    const log = { ...silentLogger, error: ({ err }: { err: Error }) => void logged.push(err.message) };
    const database: Database = {
      ...topics.database,
      async query<Row extends object>(sql: string, params?: readonly SqlValue[], options?: QueryOptions) {
        const rows = await topics.database.query<Row>(sql, params, options);
        for (const row of rows) if ('policy' in row && row.policy !== null && 'name' in row) read.push(row.name);
        return rows;
      },
    };
    const { operator } = topics.begin({ database, log });
    const one = { topic: Moved.$type, service: 's.v1.S', method: 'M', idempotencyLevel: 'IDEMPOTENT' };
    const register = async (group: string, after: readonly string[]) => {
      await operator.registerGroup({ ...one, group, policy: { subscription: {} } });
      await eventually(() => expect(read).toEqual(after.map(nameOf)));
    };
    await register('a', ['a']);
    await topics.database.query(
      `INSERT INTO topic_groups (name, topic, service, method, idempotency_level, policy)
       VALUES ($1, $2, 's.v1.S', 'M', 'IDEMPOTENT', decode(repeat('00', 100000), 'hex'))`,
      [nameOf('large'), Moved.$type],
    );
    await register('b', ['a', 'b']);
    await register('a', ['a', 'b', 'a']);
    expect(logged).toEqual([expect.stringContaining('s.v1.S/M has more than 4096 bytes')]);
    expect((await operator.listGroups({})).groups).toHaveLength(3);
    expect(read).toHaveLength(3);
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

  it('comes back while its subscribers live, and stays as it is if it is there', async () => {
    const clock = new ManualClock();
    const { operator, subscriber } = topics.begin({ clock });
    subscriber.start();
    const groups = async () => (await operator.listGroups({})).groups.map(({ name, method }) => [name, method]);
    await eventually(async () => expect(await groups()).toHaveLength(4));
    const before = await groups();
    await operator.removeGroup({ group: nameOf('once') });
    await topics.database.query('DELETE FROM topic_groups WHERE name = $1', [nameOf('strict')]); // as a restore does
    await eventually(async () => {
      await clock.advance(10_000);
      expect(await groups()).toEqual(before);
    });
    const [topic = '', group = ''] = nameOf('once').split(':');
    const other = { topic, group, service: 's.v1.S', method: 'M', idempotencyLevel: 'IDEMPOTENT' };
    await operator.registerGroup({ ...other, policy: { subscription: {} }, again: true });
    expect(await groups()).toEqual(before);
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
      [{ service: 's.v1.S/M' }, 'service, method and idempotency_level are names of at most 255 characters'],
      [{ idempotencyLevel: 'X'.repeat(256) }, 'names of at most 255 characters'],
      [{ policy: { subscription: { group: 'x'.repeat(4_096) } } }, 's.v1.S/M has more than 4096 bytes'],
      [{ topic: 'x.v1.X' }, 'there is no topic x.v1.X here; there are: rondo.conformance.v1.Moved'],
    ] as const)
      expect(String(await failureOf(operator.registerGroup({ ...one, policy, group: 'g', ...change })))).toContain(
        text,
      );
  });
});

describe('a process with a certificate', () => {
  const one = {
    topic: 'rondo.conformance.v1.Moved',
    group: 'g',
    service: 's.v1.S',
    method: 'M',
    idempotencyLevel: 'IDEMPOTENT',
    policy: { subscription: {} },
  };
  const thief = { ...one, service: 't.v1.T' };
  /** `s.v1` is served by `s` and by `s2`, `t.v1` by `t`, and `shared.v1` by every process. */
  const mayServe = (caller: string, service: string) => {
    const [name = ''] = service.split('.');
    return name === 'shared' || [`spiffe://rondo/${name}`, `spiffe://rondo/${name}2`].includes(caller);
  };
  const as = (identity: string, options: FleetOptions = {}) => {
    const publisher = topics.begin({ mayServe, ...options });
    const channel = createTestChannel({
      services: [publisher.topics.service],
      identity: identity === '' ? '' : `spiffe://rondo/${identity}`,
    });
    return createClient(EventServiceDefinition, { channel });
  };
  const refusedBy = async (call: Promise<unknown>, text: string, code: Status = Status.PERMISSION_DENIED) =>
    expect(await failureOf(call)).toMatchObject({ code, message: expect.stringContaining(text) });
  const groups = async () => {
    const listed = (await as('person/ada').listGroups({})).groups;
    return listed.map(({ name, method, owner }) => [name, method, owner]);
  };

  it('registers methods that it may serve, and no others', async () => {
    await as('s').registerGroup(one);
    for (const refused of [as('other').registerGroup(one), as('s').registerGroup({ ...one, service: 't.v1.T' })])
      await refusedBy(refused, 'may not register a method of');
    for (const service of ['shared.v1.S', 'rondo.jobs.v1.JobService', 'grpc.health.v1.Health'])
      for (const caller of ['s', ''])
        await refusedBy(as(caller).registerGroup({ ...one, group: 'other', service }), 'every process may serve it');
    expect(await groups()).toEqual([[nameOf('g'), 's.v1.S/M', 'spiffe://rondo/s']]);
  });

  it('keeps the groups that it has registered first, until an operator hands them over', async () => {
    await Promise.all([as('s').registerGroup(one), as('s').registerGroup(one)]); // two replicas
    const belongs = `spiffe://rondo/t may not register the group ${nameOf('g')}: it belongs to spiffe://rondo/s`;
    await refusedBy(as('t').registerGroup(thief), belongs);
    await refusedBy(as('s2').registerGroup(one), 'belongs to spiffe://rondo/s');
    expect(await groups()).toEqual([[nameOf('g'), 's.v1.S/M', 'spiffe://rondo/s']]);
    const [group, owner] = [nameOf('g'), 'spiffe://rondo/t'];
    await refusedBy(as('t').handOverGroup({ group, owner }), 'people and operators may');
    const { handOverGroup } = as('person/ada');
    await refusedBy(handOverGroup({ group, owner: 't' }), 'no identity, such as', Status.INVALID_ARGUMENT);
    await refusedBy(handOverGroup({ group: 'none', owner }), 'there is no group none', Status.NOT_FOUND);
    await handOverGroup({ group, owner });
    await refusedBy(as('s').registerGroup(one), 'belongs to spiffe://rondo/t');
    await as('t').registerGroup(thief);
    expect(await groups()).toEqual([[nameOf('g'), 't.v1.T/M', owner]]);
  });

  it('gets a group without an owner only if it serves the method of the group', async () => {
    await as('').registerGroup(one);
    expect(await groups()).toEqual([[nameOf('g'), 's.v1.S/M', '']]);
    await refusedBy(as('t').registerGroup(thief), 'belongs to the process of s.v1.S');
    await as('s').registerGroup({ ...one, method: 'N' });
    await as('').registerGroup(one); // a system without TLS can't tell processes apart
    expect(await groups()).toEqual([[nameOf('g'), 's.v1.S/M', 'spiffe://rondo/s']]);
  });

  it('has half of the groups of a topic at most', async () => {
    const { registerGroup } = as('t');
    for (let count = 0; count < 16; count += 1) await registerGroup({ ...thief, group: `g${count}` });
    await refusedBy(registerGroup({ ...thief, group: 'more' }), 'an identity half', Status.RESOURCE_EXHAUSTED);
    await registerGroup({ ...thief, group: 'g1' });
    await as('s').registerGroup(one);
  });

  it('subscribes to a topic that lists its subscribers only if it is listed, and else gets no event', async () => {
    await as('t').registerGroup({ ...thief, group: 'before' });
    const logged: string[] = [];
    const log = { ...silentLogger, error: ({ err }: { err: Error }) => void logged.push(err.message) };
    const listed = {
      ...Moved,
      topic: { ...Moved.topic, service: MoverServiceDefinition.fullName, subscribers: ['s.v1.S'] },
    };
    await refusedBy(as('t', { topics: [listed], log }).registerGroup(thief), 'the contract of the topic lists s.v1.S');
    await as('s', { topics: [listed] }).registerGroup(one);
    await eventually(() => expect(logged).toEqual([expect.stringContaining("t.v1.T can't subscribe")]));
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
