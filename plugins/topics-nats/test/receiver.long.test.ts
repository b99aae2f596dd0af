/** What a group gets from a real NATS. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { freePort } from '@rondo/harness';
import { systemClock as clock, sleep } from '@rondo/rpc/clock';
import type { Broker, BrokerEvent } from '@rondo/topics';
import { eventually } from '../../../packages/jobs/test/fixture.js';
import { type NatsServer, noNats, startNats } from '../../../packages/topics/test/nats-server.js';
import { natsBroker } from '../src/broker.js';
import { partitionOf } from '../src/event.js';

const topic = 't.v1.T';
const event = (id: string): BrokerEvent => ({
  id,
  topic,
  key: 'k',
  event: new Uint8Array(),
  traceparent: '',
  time: new Date(),
});

(noNats === undefined ? describe : describe.skip)('a group', () => {
  let server: NatsServer;
  let connection: NatsConnection;
  let tests = 0;
  beforeAll(async () => {
    server = await startNats(await freePort());
    connection = await connect({ servers: server.url.replace('nats://', '') });
  });
  afterAll(async () => {
    await connection.close();
    await server.close();
  });
  const unreadable: string[] = [];
  const began = async (take: Parameters<Broker['receive']>[1]['take']) => {
    tests += 1;
    const broker = natsBroker(`${server.url}/test${tests}`, { clock });
    await broker.open(topic, { retentionMs: 3_600_000, groups: ['g'] });
    const receiver = broker.receive(
      { topic, group: 'g' },
      {
        take,
        onLost: () => undefined,
        onUnreadable: (subject) => void unreadable.push(subject),
      },
    );
    return {
      broker,
      prefix: `test${tests}`,
      async close() {
        await receiver.close();
        await broker.close();
      },
    };
  };
  const partition = partitionOf(event('1'));

  it('that takes long asks for no more than one event meanwhile', async () => {
    const taken: string[] = [];
    const { broker, prefix, close } = await began(async ({ id }) => {
      if (id === '1') await sleep(clock, 50_000); // for longer than the client waits for signs of a pull
      taken.push(id);
    });
    await broker.send(event('1'));
    await eventually(() => expect(taken).toEqual(['1']));
    const { consumers } = await jetstreamManager(connection);
    const { num_waiting } = await eventually(async () => {
      const info = await consumers.info(`${prefix}-t-v1-T`, `g~${partition}`);
      expect(info.num_waiting).toBeGreaterThan(0);
      return info;
    });
    expect(num_waiting).toBe(1);
    await close();
  }, 120_000);

  it('is made as far as it is not there, so that a round that failed asks for little', async () => {
    const { broker, prefix, close } = await began(() => Promise.resolve());
    const { consumers } = await jetstreamManager(connection);
    await consumers.delete(`${prefix}-t-v1-T`, 'g~7');
    const asked: string[] = [];
    const callback = (_: unknown, { subject }: { readonly subject: string }) => void asked.push(subject);
    const asking = connection.subscribe('$JS.API.CONSUMER.CREATE.>', { callback });
    await connection.flush();
    await broker.open(topic, { retentionMs: 3_600_000, groups: ['g'] });
    await connection.flush();
    expect(asked).toEqual([expect.stringContaining('.g~7.')]);
    asking.unsubscribe();
    await close();
  });

  it('is not stopped by what no service of Rondo has published', async () => {
    const taken: string[] = [];
    const { broker, prefix, close } = await began(async ({ id }) => void taken.push(id));
    const subject = `${prefix}.${topic}.${partition}`;
    const carried = { 'Nats-Msg-Id': 'x', 'Rondo-Time': new Date().toISOString(), 'Rondo-Key': 'k' };
    const faults = [
      { 'Rondo-Key': '%' },
      { 'Rondo-Key': '%00' },
      { 'Nats-Msg-Id': 'x'.repeat(200) },
      { 'Rondo-Time': '-100000-01-01' },
    ];
    connection.publish(subject, 'hello');
    for (const [index, fault] of faults.entries()) {
      const given = headers();
      for (const [name, value] of Object.entries({ ...carried, 'Nats-Msg-Id': `x${index}`, ...fault }))
        given.set(name, value);
      connection.publish(subject, 'hello', { headers: given });
    }
    await connection.flush();
    await broker.send(event('1'));
    await eventually(() => expect(taken).toEqual(['1']));
    expect(unreadable).toEqual(Array.from({ length: faults.length + 1 }, () => subject));
    await close();
  });
});
