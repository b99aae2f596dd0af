import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect, type NatsConnection, nanos } from '@nats-io/transport-node';
import { type Clock, sleep } from '@rondo/rpc/clock';
import type { Broker } from '@rondo/topics';
import { eventOf, optionsOf, PARTITIONS, partitionOf } from './event.js';
import { explain, explainBound, requireRoom } from './faults.js';
import { ANSWER_MS, type NatsLocation, parseNats } from './location.js';
import { ACK_WAIT_MS, createReceiver, hasCode, NO_CONSUMER } from './receiver.js';

type Waiting = NonNullable<ReturnType<Awaited<ReturnType<Broker['waiting']>>['get']>>;

interface Link {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly client: JetStreamClient;
}

const SEND_MS = 5_000;
const FLUSH_MS = 1_000;
const DUPLICATES_MS = 120_000;
/** For how long an event stays after its retention, so that the publisher counts what a group didn't take in time. */
const UNCOUNTED_MS = 3_600_000;
const DIFFERENT_STREAM = 10_058;
/** How many messages are asked for at once. */
const PAGE = 100;
/** How far the clocks of a publisher's database and of NATS may be apart. */
const SKEW_MS = 300_000;

/** NATS JetStream, connected to when it is needed. @throws TypeError if the URL is wrong. */
export function natsBroker(url: string, { clock }: { readonly clock: Clock }): Broker {
  const location = parse(url);
  const { link, close } = connector(location, clock);
  const streamOf = (topic: string) => `${location.prefix}-${topic.replaceAll('.', '-')}`;
  const subjectOf = (topic: string, partition: number | '*') => `${location.prefix}.${topic}.${partition}`;
  return {
    async open(topic, { retentionMs, groups }) {
      const { manager } = await link();
      const named = { name: streamOf(topic), subjects: [subjectOf(topic, '*')] };
      const config = { ...named, ...boundsOf(location, retentionMs) };
      const added = manager.streams.add(config).catch((error: unknown) => {
        if (!hasCode(error, DIFFERENT_STREAM)) throw error;
        return manager.streams.update(config.name, config);
      });
      await added.catch((error: unknown) => {
        throw explainBound(error);
      });
      const there = new Set<string>();
      for await (const { name } of manager.consumers.list(config.name)) there.add(name);
      const policy = { ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.New, max_ack_pending: 1 };
      const add = async (durable_name: string, partition: number) => {
        if (there.has(durable_name)) return;
        const own = { durable_name, filter_subject: subjectOf(topic, partition), ack_wait: nanos(ACK_WAIT_MS) };
        await manager.consumers.add(config.name, { ...policy, ...own });
      };
      for (const group of groups) await Promise.all(consumersOf(group).map(add));
    },
    async end({ topic, group }) {
      const { manager } = await link();
      await manager.streams.info(streamOf(topic)); // what is asked for while NATS is frozen is done once it goes on
      const remove = (consumer: string) =>
        manager.consumers.delete(streamOf(topic), consumer).catch((error: unknown) => {
          if (!hasCode(error, NO_CONSUMER)) throw error;
        });
      await Promise.all(consumersOf(group).map(remove));
    },
    async send(event) {
      const { client } = await link();
      const subject = subjectOf(event.topic, partitionOf(event));
      await client.publish(subject, event.event, { ...optionsOf(event), timeout: SEND_MS });
    },
    receive({ topic, group }, how) {
      const stream = streamOf(topic);
      const client = async () => (await link()).client;
      return createReceiver({ topic, stream, consumers: consumersOf(group), client, clock, ...how });
    },
    async waiting(topic) {
      const { manager } = await link();
      const found = new Map<string, Waiting>();
      for await (const consumer of manager.consumers.list(streamOf(topic))) {
        const group = groupOf(consumer.name);
        const oldest = await oldestOf(manager, consumer);
        if (group !== undefined) found.set(group, plus(found.get(group), consumer, oldest));
      }
      return found;
    },
    async *read({ topic, group }, from) {
      const { client, manager } = await link();
      const info = (consumer: string) => manager.consumers.info(streamOf(topic), consumer);
      const groups = await Promise.all(consumersOf(group).map(info));
      const taken = new Map(groups.map(({ config, ack_floor }) => [config.filter_subject, ack_floor.stream_seq]));
      const opt_start_time = new Date(Math.max(0, from.getTime() - SKEW_MS)).toISOString();
      const since = { deliver_policy: DeliverPolicy.StartTime, opt_start_time };
      const consumer = await client.consumers.get(streamOf(topic), since);
      let { num_pending: left } = await consumer.info();
      while (left > 0) {
        const messages = await consumer.fetch({ max_messages: Math.min(left, PAGE), expires: SEND_MS });
        const before = left;
        for await (const message of messages) {
          left -= 1;
          const event = eventOf(topic, message);
          if (event !== undefined && event.time >= from && message.seq <= (taken.get(message.subject) ?? 0))
            yield event;
        }
        if (left === before) throw new Error(`NATS did not give the events of ${topic} within ${SEND_MS} ms`);
      }
    },
    close,
  };
}

const boundsOf = ({ replicas, maxBytes }: NatsLocation, retentionMs: number) => ({
  num_replicas: replicas,
  ...(maxBytes > 0 && { max_bytes: maxBytes }), // else it keeps what an operator gave it
  max_age: nanos(retentionMs + UNCOUNTED_MS),
  duplicate_window: nanos(DUPLICATES_MS),
  discard: DiscardPolicy.New,
  allow_direct: true,
});

function parse(url: string): NatsLocation {
  try {
    return parseNats(url);
  } catch (error) {
    throw new TypeError(`RONDO_TOPICS: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Connects once; the client connects again by itself. */
function connector({ options }: NatsLocation, clock: Clock) {
  let linked: Promise<Link> | undefined;
  const dial = async (): Promise<Link> => {
    const connection = await connect(options()).catch((error: unknown) => {
      throw explain(error);
    });
    try {
      const manager = await jetstreamManager(connection, { timeout: ANSWER_MS });
      return { connection, manager, client: manager.jetstream() };
    } catch (error) {
      await connection.close();
      throw error;
    }
  };
  return {
    async link(): Promise<Link> {
      if (linked === undefined) {
        const dialled = dial();
        linked = dialled;
        const forget = () => {
          if (linked === dialled) linked = undefined;
        };
        // It closes by itself for credentials that are no longer valid.
        void dialled.then(({ connection }) => connection.closed().then(forget), forget);
      }
      const current = await linked;
      requireRoom(current.connection);
      return current;
    },
    async close() {
      const current = await linked?.catch(() => undefined);
      if (current === undefined) return;
      // What was acknowledged last; while NATS is away, nothing is.
      const flushed = new AbortController();
      const flush = current.connection.flush().catch(() => undefined);
      await Promise.race([flush, sleep(clock, FLUSH_MS, flushed.signal)]);
      flushed.abort(); // a timer would keep the process
      await current.connection.close();
    },
  };
}

// A name has no dots.
const consumersOf = (group: string): readonly string[] =>
  Array.from({ length: PARTITIONS }, (_, partition) => `${group.replaceAll('.', '~')}~${partition}`);
const groupOf = (consumer: string) => /^(.+)~\d+$/.exec(consumer)?.[1]?.replaceAll('~', '.');

/** When the first event that a consumer hasn't acknowledged was published. */
async function oldestOf({ direct }: JetStreamManager, consumer: ConsumerInfo): Promise<Date | undefined> {
  const { stream_name: stream, ack_floor: floor, num_pending, num_ack_pending, config } = consumer;
  if (num_pending + num_ack_pending === 0) return undefined;
  const next = { seq: floor.stream_seq + 1, next_by_subj: config.filter_subject ?? '' };
  const message = await direct.getMessage(stream, next);
  return message === null ? undefined : eventOf('', { data: message.data, headers: message.header })?.time;
}

function plus(sum: Waiting | undefined, consumer: ConsumerInfo, oldest: Date | undefined): Waiting {
  const { waiting = 0, running = 0, oldestTime = oldest } = sum ?? {};
  return {
    waiting: waiting + consumer.num_pending,
    running: running + consumer.num_ack_pending,
    oldestTime: oldestTime !== undefined && oldest !== undefined && oldest < oldestTime ? oldest : oldestTime,
  };
}
