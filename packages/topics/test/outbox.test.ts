/** What the outbox and the relay make of a broker's faults, and of a subscriber's. */
import { afterAll, beforeEach, expect, it } from '@jest/globals';
import { Moved, MoverServiceDefinition, WatcherServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/topics';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import { createPool, type Database } from '@rondo/database';
import { silentLogger as log } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, standIn } from '@rondo/rpc/testing';
import { filePostgres } from '../../database/test/postgres.js';
import type { Broker, BrokerEvent, Take } from '../src/broker.js';
import { createTopics } from '../src/exports/index.js';
import { methodOf, replay } from '../src/groups.js';
import { replayFrom, sendWaiting } from '../src/outbox.js';
import { Relay } from '../src/relay.js';
import { createTables } from './fixture.js';

const postgres = filePostgres();
let database: Database;
beforeEach(async () => {
  await database?.close();
  database = await createTables(await postgres.createDatabase());
});
afterAll(() => database.close());

const refuse = () => Promise.reject(new Error('is not asked for this'));
const brokerWith = (own: Partial<Broker>): Broker => ({
  open: refuse,
  end: refuse,
  send: refuse,
  waiting: refuse,
  close: refuse,
  receive: () => ({ close: refuse }),
  async *read() {},
  ...own,
});

const group = { name: 't.v1.T:g', topic: 't.v1.T', registration: 1n };
const register = () =>
  database.query(
    `INSERT INTO topic_groups (name, topic, service, method, idempotency_level, policy) VALUES ($1, $2, '', '', '', '')`,
    [group.name, group.topic],
  );

it('a topic whose events the broker refuses stops no other topic', async () => {
  const sql = `INSERT INTO topic_events (id, topic, key, event, traceparent, waits)
    SELECT $1 || number, $1, number, '', '', true FROM generate_series(1, $2) AS number`;
  await database.query(sql, ['t.v1.Full', 50]);
  await database.query(sql, ['t.v1.T', 2]);
  const sent: string[] = [];
  const broker = brokerWith({
    async send({ id, topic }) {
      if (topic === 't.v1.Full') throw new Error('maximum bytes exceeded');
      sent.push(id);
    },
  });
  const sender = { database, broker, clock, topics: ['t.v1.Full', 't.v1.T'], hasBegun: () => true };
  await expect(sendWaiting(sender, { most: 10 })).rejects.toThrow('maximum bytes exceeded');
  expect(sent.toSorted()).toEqual(['t.v1.T1', 't.v1.T2']);
  expect(await database.query('SELECT FROM topic_events')).toHaveLength(50);
});

it('an event that the broker has twice is delivered again once', async () => {
  await register();
  const once: BrokerEvent = {
    id: 'e',
    topic: group.topic,
    key: 'k',
    event: new Uint8Array(),
    traceparent: '',
    time: new Date(),
  };
  const broker = brokerWith({
    async *read() {
      yield* [once, { ...once, id: 'a' }, once];
    },
  });
  const replayed = await database.transaction((transaction) =>
    replayFrom(broker, transaction, { group, from: undefined }),
  );
  expect(replayed).toBe(2);
  expect(await database.query('SELECT key FROM jobs ORDER BY id')).toEqual([{ key: 'e' }, { key: 'a' }]);
});

it('so is one that two groups had left to the database, once that delivers by itself again', async () => {
  await register();
  const sql = `INSERT INTO topic_events (id, topic, key, event, traceparent)
    SELECT id, $1, '', '', '' FROM unnest(ARRAY['e', 'a', 'e']) AS id`;
  await database.query(sql, [group.topic]);
  expect(await replay(database, { group: group.name, from: undefined })).toBe(2n);
  expect(await database.query('SELECT key FROM jobs ORDER BY id')).toEqual([{ key: 'e' }, { key: 'a' }]);
});

it('an event that fails for good with a NUL in its error is kept for an operator', async () => {
  const policy = { subscription: { maxAttempts: 1 } };
  const bytes = MethodPolicy.encode(MethodPolicy.fromPartial(policy)).finish();
  const own = { service: WatcherServiceDefinition.fullName, method: 'AtLeastOnce', idempotencyLevel: 'IDEMPOTENT' };
  const row = { ...own, name: `${Moved.$type}:g`, topic: Moved.$type, registration: 1n, policy: bytes };
  const watcher = standIn(WatcherServiceDefinition, {
    atLeastOnce() {
      throw new RpcError(Status.INVALID_ARGUMENT, 'there is no piece \0');
    },
  });
  const given: Take[] = [];
  const broker = brokerWith({
    open: async () => undefined,
    receive(_, { take }) {
      given.push(take);
      return { close: refuse };
    },
  });
  const relay = new Relay({
    broker,
    database,
    topics: [Moved],
    channel: createTestChannel({ services: [watcher] }),
    log,
    clock,
    random,
    meter: { ended: () => undefined },
    methods: () => new Map([[row.name, methodOf(row)]]),
    onBroughtBack: () => undefined,
    onLost: () => undefined,
  });
  const { signal } = new AbortController();
  await relay.round([row], signal);
  const event = { id: 'e', topic: row.topic, key: 'k', event: new Uint8Array(), traceparent: '', time: new Date() };
  await given[0]?.(event, signal);
  expect(await database.query('SELECT key, failed FROM jobs')).toEqual([{ key: 'e', failed: true }]);
});

it('a replay may take longer than other statements of the pool', async () => {
  const url = await postgres.createDatabase();
  await (await createTables(url)).close();
  const hasty = createPool({ url: url.replace(/statement_timeout=\d+/, 'statement_timeout=500') });
  const [services, channel] = [[MoverServiceDefinition], createTestChannel({ services: [] })];
  const { service } = createTopics({ database: hasty, topics: [Moved], services, channel, log });
  const operator = createClient(EventServiceDefinition, { channel: createTestChannel({ services: [service] }) });
  const own = { topic: Moved.$type, service: 's.v1.S', method: 'M', idempotencyLevel: 'IDEMPOTENT' };
  await operator.registerGroup({ ...own, group: 'g', policy: { subscription: {} } });
  await hasty.query("INSERT INTO topic_events (id, topic, key, event, traceparent) VALUES ('e', $1, '', '', '')", [
    Moved.$type,
  ]);
  await hasty.query(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$`);
  await hasty.query('CREATE TRIGGER slow BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION wait()');
  expect(await operator.replayEvents({ group: `${Moved.$type}:g` })).toEqual({ events: 1n });
  await hasty.close();
});
