import type { Meter } from '@opentelemetry/api';
import {
  type Moved,
  Moved as MovedTopic,
  MoverServiceDefinition,
  WatcherServiceDefinition,
} from '@rondo/contracts/rondo/conformance/v1/topics';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { createOutcomeStore, createPool, type Database, migrate, outcomesSchema } from '@rondo/database';
import { jobsSchema } from '@rondo/jobs';
import { currentWorkLimits, type Logger, silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { type Handlers, implement } from '@rondo/rpc/server';
import { createTestChannel } from '@rondo/rpc/testing';
import { createSubscriber, createTopics, topicsSchema } from '../src/exports/index.js';
import type { TopicType } from '../src/topic.js';
import type { TopicsOptions } from '../src/topics.js';

/** Makes the tables of topics and outcomes, and one that has the effects of handlers. */
export async function createTables(url: string): Promise<Database> {
  const database = createPool({ url });
  const parts = [jobsSchema, topicsSchema, outcomesSchema];
  for (const { name: part, migrations } of parts) await migrate(database, { part, migrations });
  await database.query(
    'CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, reader text NOT NULL, piece text NOT NULL, move bigint NOT NULL)',
  );
  return database;
}

/** Writes an effect, as a handler does. */
export const write = (database: Database, reader: string, { piece, move }: Moved) =>
  database.transaction(async ({ query }) => {
    await query('INSERT INTO effects (reader, piece, move) VALUES ($1, $2, $3)', [reader, piece, move]);
    return {};
  }, currentWorkLimits());

export interface FleetOptions {
  /** Replaces handlers. */
  readonly watchers?: Partial<Handlers<typeof WatcherServiceDefinition>>;
  readonly clock?: Clock;
  readonly mayServe?: (identity: string, service: string) => boolean;
  readonly topics?: readonly TopicType[];
  readonly database?: Database;
  readonly meter?: Meter;
  readonly log?: Logger;
  readonly broker?: TopicsOptions['broker'];
}

/** A replica of the publisher and one of the subscriber. */
export function startFleet(database: Database, { watchers, clock = systemClock, ...options }: FleetOptions = {}) {
  const outcomes = createOutcomeStore(database);
  const watcher = implement(WatcherServiceDefinition, {
    once: (event) => write(database, 'once', event),
    strict: (event) => write(database, 'strict', event),
    twin: (event) => write(database, 'twin', event),
    atLeastOnce: (event) => write(database, 'atLeastOnce', event),
    ...watchers,
  });
  const topics = createTopics({
    database,
    topics: [MovedTopic],
    services: [MoverServiceDefinition],
    log: silentLogger,
    clock,
    ...options,
    channel: createTestChannel({ services: [watcher], outcomes }),
  });
  const publisher = createTestChannel({ services: [topics.service] });
  const subscriber = createSubscriber({
    services: [WatcherServiceDefinition],
    channel: publisher,
    log: silentLogger,
    clock,
  });
  const operator = createClient(EventServiceDefinition, { channel: publisher });
  void topics.start();
  return {
    topics,
    subscriber,
    operator,
    async publish(piece: string, move: number) {
      const event = { piece, move: BigInt(move) };
      await database.transaction((transaction) => topics.publish(transaction, MovedTopic, event));
      topics.nudge();
    },
    async close() {
      await subscriber.close();
      await topics.close();
      await outcomes.close();
    },
  };
}
