import { createSweep } from '@rondo/base';
import type { OperatorAudit, PartDatabase, Queries, SqlValue } from '@rondo/database';
import { jobsSchema } from '@rondo/jobs';
import { claimHeads, type StoredMethod, Worker } from '@rondo/jobs/internal';
import {
  type AskedPlugin,
  currentTrace,
  type PartOptions,
  processOf,
  type ServiceDefinition,
} from '@rondo/rpc/internal';
import type { Part, ServiceImplementation } from '@rondo/rpc/server';
import { type Broker, openBroker } from './broker.js';
import { createEventService } from './event-service.js';
import { faultOfSubscriber, insertEvent, methodOf, type RegisteredGroup, readGroups, trim } from './groups.js';
import { meterTopics } from './metrics.js';
import { Relay, requireNoRelay } from './relay.js';
import { topicsSchema } from './schema.js';
import { type EventOf, encodeEvent, notNamed, requireOwn, type TopicType, topicOf } from './topic.js';

/** Options of the topics that a service publishes. The channel reaches the subscribers; `mayServe` tells which process may register a method. */
export interface TopicsOptions extends PartOptions {
  /** The service's own database; it has the tables of `jobsSchema` and `topicsSchema`. */
  readonly database: PartDatabase & PartOptions['database'];
  /** The topics that it publishes: generated messages with `(rondo.options.v1.topic)` and a retention. */
  readonly topics: readonly TopicType[];
  /** The service's own contracts; the service of each topic is one of them. */
  readonly services: readonly Pick<ServiceDefinition, 'fullName'>[];
  /**
   * Carries the events from this service to the groups; by default the broker that `RONDO_TOPICS` asks for, else the database. A function is
   * `topics` of the context of 0.2.
   */
  readonly broker?: Broker | (() => AskedPlugin | undefined) | undefined;
  /** The service's audit: it says which operator resolved an event, replayed a group or removed it. That of the database by default. */
  readonly audit?: OperatorAudit | undefined;
}

/** The topics that a service publishes. Once they have started, they look for events at once, when the next is due, and every few seconds. */
export interface Topics extends Part {
  /**
   * Publishes an event when the surrounding transaction commits: in one statement. Call {@link Topics.nudge} after the commit, or its
   * delivery begins up to three seconds later. Events of a key have the order of their statements: publish after the statement that locks
   * the row that the event is about.
   *
   * @throws TypeError if the topic is none of this service, or the event is too large or violates a rule of its contract.
   */
  publish<T extends TopicType>(transaction: Queries, topic: T, event: EventOf<T>): Promise<void>;
  /** The parameters of `publishSql`, by which a statement publishes an event besides its other work. Throws as {@link Topics.publish}. */
  params<T extends TopicType>(topic: T, event: EventOf<T>): Promise<readonly SqlValue[]>;
  start(): Promise<void>;
  /** Looks for events now. Call it after the commit of a transaction that published. */
  nudge(): void;
  /** Cancels the calls of this process; other replicas go on. */
  stop(): Promise<void>;
  /** @deprecated The name that `stop` had in 0.2. */
  close(): Promise<void>;
  /** @deprecated The only one of `services`. */
  readonly service: ServiceImplementation;
}

const SWEEP_MS = 1_000;
const TRIM_MS = 60_000;
const ID_BYTES = 16;
/** How many events a group is being called with by a process. */
const MOST_AT_ONCE = 20;
const WORDS = {
  noun: 'event',
  remedy: 'remove the cause, then run rondo events retry with its id, or rondo events discard',
} as const;

/**
 * Creates the topics that a service publishes. Its replicas deliver the events to each group of subscribers, as calls of their method.
 *
 * @throws TypeError that names the topic and the remedy, if this service can't publish it.
 */
export function createTopics(options: TopicsOptions): Topics {
  const { database, topics, audit = database.audit } = options;
  const process = processOf(options);
  const { mayServe, loopback, clock, random } = process;
  for (const topic of topics) {
    requireOwn(topic, options.services);
    requireDurable(topic);
  }
  const groups = createGroups(options, process);
  const meter = meterTopics(process.meter, database, () => carriage.oldest());
  const carriage = createCarriage(options, process, { groups, meter, onBroughtBack: () => worker.nudge() });
  let trimmedAt = -Infinity;
  const worker = new Worker({
    ...process,
    loopback,
    database,
    meter,
    methods: () => groups.methods,
    claim: claimHeads,
    mostAtOnce: MOST_AT_ONCE,
    countsAway: false,
    retriesAnew: false,
    keyOf: ({ key, version }) => `event-${key}-${version}`,
    words: WORDS,
    async prepare(signal) {
      await groups.refresh(signal);
      const trims = clock.now() - trimmedAt >= TRIM_MS;
      if (trims) trimmedAt = (await trimAll(options)) ? -Infinity : clock.now();
      return trims; // it may have freed what follows
    },
  });
  const params = async (topic: TopicType, partial: object): Promise<readonly SqlValue[]> => {
    if (!topics.some(({ $type }) => $type === topic.$type)) throw notNamed(topic, 'createTopics');
    const { key, event } = await encodeEvent(topic, partial);
    return [random.hex(ID_BYTES), topic.$type, key, event, currentTrace()];
  };
  const nudge = () => {
    carriage.nudge();
    worker.nudge();
  };
  const onChange = () => {
    groups.forget();
    nudge();
  };
  const broker = () => carriage.broker();
  const service = createEventService({ database, topics, mayServe, clock, audit, broker, nudge: onChange });
  const stop = () => carriage.close(() => worker.close());
  return {
    name: 'the publisher',
    schema: [jobsSchema, topicsSchema],
    services: [service],
    service,
    stop,
    close: stop,
    async publish(transaction, topic, event) {
      await insertEvent(transaction, await params(topic, event));
    },
    params,
    async start() {
      await carriage.start();
      worker.start();
    },
    nudge,
  };
}

interface CarriageParts {
  readonly groups: ReturnType<typeof createGroups>;
  readonly meter: ReturnType<typeof meterTopics>;
  /** An event that a group didn't take is in the database again. */
  readonly onBroughtBack: () => void;
}

/** Carries the events over the broker, if one is asked for. */
function createCarriage(
  options: TopicsOptions,
  process: ReturnType<typeof processOf>,
  { groups, meter, onBroughtBack }: CarriageParts,
) {
  const { database, topics } = options;
  const { clock, log } = process;
  const openCarrier = carrierOf(options, process);
  let carrier: { readonly relay: Relay; readonly broker: Broker } | undefined;
  const round = async (signal: AbortSignal): Promise<boolean> => {
    await groups.refresh(signal);
    const more = (await carrier?.relay.round(groups.rows, signal)) ?? false;
    if (more) groups.forget(); // there may be a group that it doesn't know
    return more;
  };
  const relaying = createSweep({ intervalMs: SWEEP_MS, clock, log, name: 'topics over NATS', round });
  return {
    broker: () => carrier?.broker,
    oldest: () => carrier?.relay.oldest(),
    nudge: () => relaying.nudge(),
    async start(): Promise<void> {
      if (carrier !== undefined) return;
      const broker = await openCarrier?.();
      if (broker === undefined) {
        const names = topics.map(({ $type }) => $type);
        await requireNoRelay(database, names);
        return;
      }
      const [methods, onLost] = [() => groups.methods, () => groups.forget()];
      const relay = new Relay({ ...process, broker, database, topics, meter, methods, onBroughtBack, onLost });
      carrier = { broker, relay };
      relaying.start();
    },
    /** Ends the rounds, then the calls of the relay and of the worker together. */
    async close(closeWorker: () => Promise<void>): Promise<void> {
      await relaying.close();
      await Promise.all([closeWorker(), carrier?.relay.close()]);
    },
  };
}

/** Opens the broker of the topics; undefined if the database carries them. @throws ConfigurationError if its plugin is missing. */
function carrierOf({ broker }: TopicsOptions, { plugin, clock }: ReturnType<typeof processOf>) {
  if (typeof broker === 'object') return () => broker;
  const asked = broker === undefined ? plugin?.('broker') : broker();
  return asked && (() => openBroker(asked, clock));
}

function requireDurable({ $type, topic }: TopicType): void {
  if (topic?.retentionMs === undefined)
    throw new TypeError(`${$type} is ephemeral: publish it by createEphemeralTopics, or give it a retention`);
}

async function trimAll({ database, topics }: TopicsOptions): Promise<boolean> {
  const more = await Promise.all(topics.map((topic) => trim(database, topic.$type, topicOf(topic).retentionMs ?? 0)));
  return more.includes(true);
}

/** The groups as the database has them, read again after a second; contracts only if they have changed. */
function createGroups({ database, topics }: TopicsOptions, { log, mayServe, clock }: ReturnType<typeof processOf>) {
  let groups: ReadonlyMap<string, { readonly revision: string; readonly method: StoredMethod | undefined }> = new Map();
  let methods: ReadonlyMap<string, StoredMethod> = new Map();
  let rows: readonly RegisteredGroup[] = [];
  let readAt = -Infinity;
  const read = (row: RegisteredGroup): StoredMethod | undefined => {
    try {
      const topic = topics.find(({ $type }) => $type === row.topic);
      const fault = topic && faultOfSubscriber(topic, row.service, mayServe);
      if (fault !== undefined) throw new TypeError(`${row.service} can't subscribe: ${fault}`);
      return methodOf(row);
    } catch (err) {
      log.error(
        { err, group: row.name },
        "a group has a contract that can't be called: change it, and start its subscriber",
      );
      return undefined;
    }
  };
  return {
    get methods() {
      return methods;
    },
    get rows() {
      return rows;
    },
    forget() {
      readAt = -Infinity;
    },
    async refresh(signal: AbortSignal) {
      if (clock.now() - readAt < SWEEP_MS) return;
      const before = groups;
      rows = await readGroups(
        database,
        topics.map(({ $type }) => $type),
        { known: [...before.values()].map(({ revision }) => revision), signal },
      );
      readAt = clock.now();
      const entries = rows.map((row) => {
        const { name, revision } = row;
        const same = before.get(name);
        return [name, same?.revision === revision ? same : { revision, method: read(row) }] as const;
      });
      groups = new Map(entries);
      methods = new Map(entries.flatMap(([name, { method }]) => (method === undefined ? [] : [[name, method]])));
    },
  };
}
