import type { Database, Queries, QueryOptions } from '@rondo/database';
import type { JobMeter, StoredMethod } from '@rondo/jobs/internal';
import { awayMs, codeOf, failureOf, isAway, storedCaller } from '@rondo/jobs/internal';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { type Clock, type Random, sleep } from '@rondo/rpc/clock';
import type { Broker, BrokerEvent, Receiver } from './broker.js';
import { bringBack, brokerGroup, cutOne, FRESH, type GroupId, lookUp, sendWaiting } from './outbox.js';
import { type TopicType, topicOf } from './topic.js';

/** What a {@link Relay} needs. */
export interface RelayOptions {
  readonly broker: Broker;
  readonly database: Database;
  readonly topics: readonly TopicType[];
  readonly channel: Channel;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: JobMeter;
  readonly methods: () => ReadonlyMap<string, StoredMethod>;
  /** There is something for the worker of the database. */
  readonly onBroughtBack: () => void;
  /** A group is no longer at the broker; it may have been removed. */
  readonly onLost: () => void;
}

/** What a group calls once. */
interface Delivery {
  readonly group: string;
  readonly event: BrokerEvent;
  readonly signal: AbortSignal;
}

/** How many events are sent at once, of all topics together: each has up to 256 KiB. */
const MOST_AT_ONCE = 200;
/** How often no instance takes an event before it goes to the database: some seconds if the group takes others, else a minute. */
const MOST_AWAY = { othersTaken: 5, noneTaken: 20 };

/**
 * Has a broker carry the events. What was published waits in the database until the broker has it; of a key one after the other. A group is
 * called with what the broker gives. An event that it doesn't take goes back to the database, as do those of its key that follow: there
 * the worker tries again, and operators see it.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #receivers = new Map<string, Receiver>();
  readonly #held = new Set<BrokerEvent>();
  readonly #caller: ReturnType<typeof storedCaller>;
  readonly #names: readonly string[];
  /** Those that the broker has lost. */
  readonly #lost = new Set<string>();
  /** How many events each group has taken from this process. */
  readonly #taken = new Map<string, number>();
  #opened = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#caller = storedCaller({ ...options, noun: 'event' });
    this.#names = options.topics.map(({ $type }) => $type);
  }

  /** Since when the oldest event is published that this process calls a group with. */
  oldest(): Date | undefined {
    const times = [...this.#held].map(({ time }) => time.getTime());
    return times.length === 0 ? undefined : new Date(Math.min(...times));
  }

  /** One round: takes care of the groups, and sends what waits. Resolves to whether there may be more. */
  async round(groups: readonly GroupId[], signal: AbortSignal): Promise<boolean> {
    try {
      await this.#follow(groups, { signal });
      const hasBegun = (group: GroupId) => this.#receivers.has(idOf(group));
      const most = Math.ceil(MOST_AT_ONCE / Math.max(1, this.#names.length));
      return await sendWaiting({ ...this.#options, topics: this.#names, hasBegun }, { most, signal });
    } catch (error) {
      this.#opened = false; // NATS may have lost its streams
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#receivers.values()].map((receiver) => receiver.close()));
    await this.#options.broker.close();
  }

  /** The streams and the consumers stand before the first event takes this way. */
  async #follow(rows: readonly GroupId[], options: QueryOptions): Promise<void> {
    const { broker, database, topics, log } = this.#options;
    const isNew = !this.#opened;
    for (const topic of topics) {
      const own = rows.filter((row) => row.topic === topic.$type);
      if (!isNew && own.every((row) => this.#receivers.has(idOf(row)))) continue;
      const groups = own.map((row) => brokerGroup(row).group);
      await broker.open(topic.$type, { retentionMs: topicOf(topic).retentionMs ?? 0, groups });
    }
    for (const row of rows) {
      const id = idOf(row);
      if (this.#lost.delete(id)) log.error({ group: row.name }, LOST);
      if (!this.#receivers.has(id)) this.#receivers.set(id, this.#receive(row));
    }
    for (const [id, receiver] of this.#receivers) {
      if (rows.some((row) => idOf(row) === id)) continue;
      this.#receivers.delete(id);
      this.#lost.delete(id);
      await receiver.close();
    }
    if (!isNew) return;
    const sql = 'INSERT INTO topic_relays (topic) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING';
    await database.query(sql, [this.#names], options);
    this.#opened = true;
  }

  #receive(row: GroupId): Receiver {
    return this.#options.broker.receive(brokerGroup(row), {
      take: (event, signal) => this.#take({ group: row.name, event, signal }),
      onLost: () => {
        this.#lost.add(idOf(row));
        this.#opened = false;
        this.#options.onLost();
      },
      onUnreadable: (subject) => this.#options.log.error({ group: row.name, subject }, UNREADABLE),
    });
  }

  async #take(delivery: Delivery): Promise<void> {
    const { group, event } = delivery;
    const before = this.#taken.get(group);
    this.#held.add(event);
    try {
      for (let away = 0; !(await this.#isTaken(delivery)); away += 1) {
        const others = this.#taken.get(group) === before ? 'noneTaken' : 'othersTaken';
        if (away >= MOST_AWAY[others]) return await this.#bringBack(group, event);
        const { clock, random } = this.#options;
        await sleep(clock, awayMs(away, random), delivery.signal);
      }
    } finally {
      this.#held.delete(event);
    }
  }

  async #bringBack(group: string, event: BrokerEvent, state = FRESH): Promise<void> {
    await bringBack(this.#options.database, { group, events: [event], state });
    this.#options.onBroughtBack();
  }

  /** False if no subscriber took the call, or the group has a contract that can't be called: that is no attempt. */
  async #isTaken({ group, event, signal }: Delivery): Promise<boolean> {
    const { database, methods, meter } = this.#options;
    const job = methods().get(group);
    const { isLate, isBehind, avoids } = await lookUp(database, {
      group,
      event,
      retentionMs: this.#retentionOf(event),
      signal,
    });
    if (isLate) await cutOne(database, group);
    else if (isBehind) await this.#bringBack(group, event);
    else if (job === undefined) return false;
    else {
      const { id, event: request, traceparent } = event;
      const call = { id, request, idempotencyKey: `event-${id}-1`, attempts: 1, traceparent };
      const fault = await this.#caller
        .call(job, call, { signal, avoids })
        .then(() => undefined)
        .catch((error: unknown) => ({ error }));
      if (fault !== undefined) signal.throwIfAborted();
      meter.ended(group, fault === undefined ? 'OK' : codeOf(fault.error));
      if (isAway(fault?.error)) return false;
      if (fault === undefined) this.#taken.set(group, (this.#taken.get(group) ?? 0) + 1);
      else await this.#fail(job, event, fault.error);
    }
    return true;
  }

  /** Leaves an event to the database: for the next attempt, or for an operator. */
  async #fail(job: StoredMethod, event: BrokerEvent, err: unknown): Promise<void> {
    const { log, random } = this.#options;
    const { ended, staysInLane, ...failure } = failureOf(job, err, { attempts: 1, ends: 0, random });
    const leavesLane = failure.failed && !staysInLane;
    const state = { ...FRESH, ...failure, attempts: 1, ends: Number(ended), leavesLane };
    await this.#bringBack(job.name, event, state);
    const fields = { err, method: job.name, key: event.id };
    if (failure.failed) log.error(fields, 'an event has failed: remove the cause, then see rondo events ls');
    else log.debug(fields, 'an attempt failed; it is repeated');
  }

  #retentionOf({ topic }: BrokerEvent): number {
    const type = this.#options.topics.find(({ $type }) => $type === topic);
    return (type && topicOf(type).retentionMs) ?? 0;
  }
}

const LOST =
  'NATS had lost consumers of a group, or its stream: what waited there is lost, if its publisher has no copy; see rondo events replay';

const UNREADABLE =
  'a message in NATS is no event of Rondo, as its headers say: the group goes on without it; see who may publish there';

const idOf = ({ name, registration }: GroupId) => `${name}.${registration}`;

/** Refuses to deliver past a broker, which has events that nothing would deliver. @throws TypeError that says what to do. */
export async function requireNoRelay({ query }: Queries, topics: readonly string[]): Promise<void> {
  const rows = await query<{ topic: string }>('SELECT topic FROM topic_relays WHERE topic = ANY($1)', [topics]);
  const [first] = rows;
  if (first === undefined) return;
  throw new TypeError(
    `${first.topic} is carried by NATS, as a replica with RONDO_TOPICS has begun: set RONDO_TOPICS here too, or go back as docs/guides/events.md says`,
  );
}
