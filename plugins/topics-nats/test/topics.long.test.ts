/** The guarantees of topics over a real NATS, and what is its own there. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Moved } from '@rondo/contracts/rondo/conformance/v1/topics';
import { freePort } from '@rondo/harness';
import { silentLogger } from '@rondo/rpc/call';
import { systemClock as clock } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { eventually } from '../../../packages/jobs/test/fixture.js';
import { nameOf, topicsConformance, topicsOf } from '../../../packages/topics/test/conformance.js';
import { type NatsServer, noNats, startNats } from '../../../packages/topics/test/nats-server.js';
import { natsBroker } from '../src/broker.js';
import { nats } from '../src/exports/index.js';

if (noNats !== undefined) process.stdout.write(`NOT TESTED: topics over NATS, as ${noNats}\n`);

let server: NatsServer;
let tests = 0;
/** Each test has streams of its own. */
const url = () => {
  tests += 1;
  return `${server.url}/test${tests}`;
};

(noNats === undefined ? describe : describe.skip)('topics over NATS', () => {
  beforeAll(async () => {
    server = await startNats(await freePort());
  });
  afterAll(() => server.close());

  const topics = topicsOf(url, nats);
  topicsConformance(topics);

  const inDatabase = () => topics.database.query<{ method: string }>('SELECT DISTINCT method FROM jobs');

  it('an event has one row, which goes once NATS has it, and none for its groups', async () => {
    const fleet = await topics.subscribed();
    await topics.database.transaction(async (transaction) => {
      await fleet.topics.publish(transaction, Moved, { piece: 'a', move: 1n });
      expect(await transaction.query('SELECT FROM topic_events WHERE waits')).toHaveLength(1);
      expect(await transaction.query('SELECT FROM jobs')).toEqual([]);
    });
    await eventually(async () => expect(await topics.effects()).toEqual(['a1']));
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
    expect(await topics.database.query('SELECT FROM topic_events')).toEqual([]);
  });

  it('what fails, and what follows in its key, is tried again from the database', async () => {
    let faults = 2;
    const fleet = await topics.subscribed({
      watchers: {
        twin(event) {
          faults -= 1;
          if (faults >= 0) throw new RpcError(Status.INTERNAL, 'broken');
          return topics.write('twin', event);
        },
      },
    });
    for (const move of [1, 2, 3]) await fleet.publish('a', move);
    await eventually(async () => expect(await topics.effects('twin')).toEqual(['a1', 'a2', 'a3']));
    await eventually(async () => expect(await inDatabase()).toEqual([]));
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
  });

  it('a group loses what its retention ends, which is counted', async () => {
    const fleet = await topics.subscribed();
    await topics.database.transaction(async (transaction) => {
      await fleet.topics.publish(transaction, Moved, { piece: 'a', move: 1n });
      await transaction.query("UPDATE topic_events SET create_time = now() - interval '2 days'");
    });
    await fleet.publish('a', 2);
    await eventually(async () => expect(await topics.effects()).toEqual(['a2']));
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
    const { groups } = await fleet.operator.listGroups({});
    expect(groups.map(({ cut }) => cut)).toEqual([1n, 1n, 1n, 1n]);
  });

  it('what is published while NATS is away waits, and no writer does', async () => {
    const fleet = await topics.subscribed();
    await server.kill();
    for (const move of [1, 2, 3]) await fleet.publish('a', move);
    expect(await topics.database.query('SELECT FROM topic_events WHERE waits')).toHaveLength(3);
    await server.restart();
    await eventually(async () => expect(await topics.effects()).toEqual(['a1', 'a2', 'a3']));
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
  });

  it('the list has what the database has while NATS is away, frozen or not, and says so', async () => {
    const fleet = await topics.subscribed({
      watchers: {
        once() {
          throw new RpcError(Status.FAILED_PRECONDITION, 'no such square');
        },
      },
    });
    await fleet.publish('a', 1);
    await eventually(async () => expect((await fleet.operator.listGroups({})).events).toHaveLength(1));
    const partly = { groups: { length: 4 }, events: [{ key: 'a' }], carrierFault: expect.not.stringMatching(/^$/) };
    server.signal('SIGSTOP');
    expect(await fleet.operator.listGroups({})).toMatchObject(partly);
    await server.kill();
    expect(await fleet.operator.listGroups({})).toMatchObject(partly);
    await server.restart();
    await eventually(async () => expect((await fleet.operator.listGroups({})).carrierFault).toBe(''));
  });

  it('a group is not removed while NATS is away, and loses nothing', async () => {
    const logged: string[] = [];
    const log = { ...silentLogger, error: (_: object, text: string) => void logged.push(text) };
    const fleet = await topics.subscribed({ log });
    server.signal('SIGSTOP');
    expect(await failureOf(fleet.operator.removeGroup({ group: nameOf('once') }))).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringContaining('NATS, which carries the topics, did not answer'),
    });
    server.signal('SIGCONT');
    await fleet.publish('a', 1);
    await eventually(async () => expect(await topics.effects()).toEqual(['a1']));
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
    expect(logged).toEqual([]);
  });

  it('a NATS that takes no large events carries none, which says what to do', async () => {
    const fleet = await topics.subscribed();
    const fault = async () => (await fleet.operator.listGroups({})).carrierFault;
    await server.kill();
    await server.restart('max_payload: 65536');
    await eventually(async () => expect(await fault()).toContain('max_payload of NATS is 65536 bytes, and an event'));
    await fleet.publish('a', 1);
    await server.kill();
    await server.restart();
    await eventually(async () => expect(await topics.effects()).toEqual(['a1']));
    expect(await fault()).toBe('');
  });

  const topic = 'rondo.conformance.v1.Moved';
  /** Ends the consumers of a group, as an operator of NATS may. */
  const endAtNats = async (url: string, registration: bigint) => {
    const broker = natsBroker(url, { clock });
    await broker.end({ topic, group: `once.${registration}` });
    await broker.close();
  };

  it('a group that is removed and registered again gets what is published from then on', async () => {
    const fleet = await topics.subscribed();
    await topics.database.transaction(async ({ query, one }) => {
      // Too soon for a publisher to see that it was away.
      const removed = await one<{ registration: bigint }>('DELETE FROM topic_groups WHERE name = $1 RETURNING *', [
        nameOf('once'),
      ]);
      await endAtNats(topics.url, removed.registration);
      await query(
        `INSERT INTO topic_groups (name, topic, service, method, idempotency_level, policy)
         SELECT $1, topic, service, 'Once', idempotency_level, policy FROM topic_groups WHERE name = $2`,
        [nameOf('once'), nameOf('strict')],
      );
    });
    await fleet.publish('a', 1);
    await eventually(async () => expect(await topics.effects()).toEqual(['a1']));
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
  });

  it('a group whose consumers NATS has lost goes on, and the log says so', async () => {
    const logged: string[] = [];
    const log = { ...silentLogger, error: (_: object, text: string) => void logged.push(text) };
    const fleet = await topics.subscribed({ log });
    await fleet.publish('a', 1);
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
    const sql = 'SELECT registration FROM topic_groups WHERE name = $1';
    const { registration } = await topics.database.one<{ registration: bigint }>(sql, [nameOf('once')]);
    await endAtNats(topics.url, registration);
    await eventually(() =>
      expect(logged).toContainEqual(expect.stringContaining('NATS had lost consumers of a group')),
    );
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
    await fleet.publish('a', 2);
    await eventually(async () => expect(await topics.effects()).toEqual(['a1', 'a2']));
  });

  it('a key whose events no instance takes stops no other of its partition', async () => {
    const pieces = Array.from({ length: 1_000 }, (_, count) => `p${count}-`);
    const at = (key: string) => createHash('sha256').update(key).digest().readUInt8(0) % 32;
    const [same = ''] = pieces.filter((piece) => at(piece) === at('away'));
    const [other = ''] = pieces.filter((piece) => at(piece) !== at('away'));
    let away = true;
    const fleet = await topics.subscribed({
      watchers: {
        once(event) {
          if (away && event.piece === 'away') throw new RpcError(Status.UNAVAILABLE, 'its bank is away');
          return topics.write('once', event);
        },
      },
    });
    await fleet.publish('away', 1);
    await fleet.publish(same, 1);
    await fleet.publish('away', 2);
    await eventually(async () => expect(await topics.effects('strict')).toHaveLength(3));
    await fleet.publish(other, 1);
    await eventually(async () => expect(await topics.effects()).toEqual([`${other}1`, `${same}1`]));
    away = false;
    await eventually(async () => expect((await topics.effects()).slice(2)).toEqual(['away1', 'away2']));
    await eventually(async () => expect(await topics.left(fleet)).toBe(0n));
  });

  it('what the database had to deliver before comes first', async () => {
    let away = true;
    const once = (event: Moved) => {
      if (away) throw new RpcError(Status.UNAVAILABLE, 'away');
      return topics.write('once', event);
    };
    const before = topics.begin({ broker: undefined, watchers: { once } });
    before.subscriber.start();
    await eventually(async () => expect((await before.operator.listGroups({})).groups).toHaveLength(4));
    await before.publish('a', 1);
    await eventually(async () => expect(await topics.effects('strict')).toEqual(['a1']));
    const after = await topics.subscribed({ watchers: { once } });
    await after.publish('a', 2);
    await before.publish('a', 3); // by a replica that hasn't been restarted yet
    await eventually(async () => expect(await topics.effects('strict')).toEqual(['a1', 'a2', 'a3']));
    away = false;
    await eventually(async () => expect(await topics.effects()).toEqual(['a1', 'a2', 'a3']));
  });
});
