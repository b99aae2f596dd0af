/**
 * Topics while publishers and subscribers, three of each, are killed and frozen, and NATS, or the database, which carries the events. The
 * variable `EVENTS` says how many are published.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Moved, MoverServiceDefinition, WatcherServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/topics';
import { createPool, type Database, migrate, outcomesSchema } from '@rondo/database';
import { eventually, freePort, startWorker } from '@rondo/harness';
import { type Postgres, startPostgres } from '@rondo/harness/postgres';
import { jobsSchema } from '@rondo/jobs';
import { silentLogger } from '@rondo/rpc/call';
import { systemClock as clock } from '@rondo/rpc/clock';
import { createTestChannel } from '@rondo/rpc/testing';
import { createSubscriber, createTopics, topicsSchema } from '@rondo/topics';
import { nats as plugin } from '@rondo/topics-nats';
import { type NatsServer, noNats, startNats } from '../../packages/topics/test/nats-server.js';

const PROCESS = new URL('./src/topics-process.mjs', import.meta.url);
const EVENTS = Number(process.env['EVENTS'] ?? 10_000);
// Parts, because a test that takes longer is taken for one that hangs.
const [PIECES, PARTS, FAULTS_OF_PART] = [50, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 5] as const;
const FAULTS = PARTS.length * FAULTS_OF_PART;
const KEYED = ['once', 'strict', 'twin'] as const;
const MOVES = BigInt(Math.ceil(EVENTS / PIECES));
const ALL = BigInt(PIECES) * MOVES;
const WAIT = { timeoutMs: 3_600_000 };

let postgres: Postgres;
let database: Database;
let url: string;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: false } }); // commits survive its crash, not the machine's
});
afterAll(() => postgres.stop());

/** Makes the tables, and registers the groups. */
async function prepare(pieces: readonly string[], broker: string | undefined): Promise<void> {
  const parts = [jobsSchema, topicsSchema, outcomesSchema];
  for (const { name: part, migrations } of parts) await migrate(database, { part, migrations });
  await database.query(
    'CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, reader text NOT NULL, piece text NOT NULL, move bigint NOT NULL)',
  );
  await database.query('CREATE TABLE pieces (piece text PRIMARY KEY, moves bigint NOT NULL DEFAULT 0)');
  await database.query('INSERT INTO pieces (piece) SELECT unnest($1::text[])', [pieces]);
  const services = [MoverServiceDefinition];
  const none = createTestChannel({ services: [] });
  const topics = createTopics({
    database,
    topics: [Moved],
    services,
    channel: none,
    log: silentLogger,
    broker: broker === undefined ? undefined : () => ({ plugin, url: broker }),
  });
  if (broker !== undefined) {
    await topics.start();
    await eventually(async () => expect(await database.query('SELECT FROM topic_relays')).toHaveLength(1));
  }
  const channel = createTestChannel({ services: [topics.service] });
  const subscriber = createSubscriber({ services: [WatcherServiceDefinition], channel, log: silentLogger });
  subscriber.start();
  await eventually(async () => expect(await database.query('SELECT FROM topic_groups')).toHaveLength(4));
  await subscriber.close();
  await topics.close();
}

/** Resolves when about this share of the effects is there, of which a sequence tells how many. */
const reached = (share: number) =>
  eventually(async () => {
    const { last } = await database.one<{ last: bigint }>('SELECT last_value AS last FROM effects_id_seq');
    expect(Number(last)).toBeGreaterThanOrEqual(share * Number(ALL) * (KEYED.length + 1));
  }, WAIT);

/** Starts each process, and ends them. */
interface Workers {
  /** One at a time is killed, or frozen for longer than it has its calls; or what carries the events ends. */
  disturb(fault: number): Promise<void>;
  close(): Promise<void>;
}

async function startWorkers(
  begin: readonly (() => Promise<ReturnType<typeof startWorker>>)[],
  nats: NatsServer | undefined,
): Promise<Workers> {
  const workers = await Promise.all(begin.map((start) => start()));
  return {
    async disturb(fault) {
      const victim = Math.floor(Math.random() * (begin.length + (nats === undefined ? 0 : 1)));
      if (nats !== undefined && victim === begin.length) {
        await nats.kill();
        await sleep(Math.random() * 500);
        await nats.restart();
        return;
      }
      const worker = workers[victim];
      const start = begin[victim];
      if (worker === undefined || start === undefined) return;
      if (fault % 4 === 3) {
        worker.signal('SIGSTOP');
        await sleep(500);
        worker.signal('SIGCONT');
      } else if (nats === undefined && fault % 10 === 4) {
        await postgres.restart('SIGQUIT', Math.random() * 500); // as pg_ctl does with -m immediate
      } else {
        await worker.close();
        workers[victim] = await start();
      }
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

if (noNats !== undefined) process.stdout.write(`NOT TESTED: kills of topics over NATS, as ${noNats}\n`);
const CARRIERS = ['the database', ...(noNats === undefined ? ['NATS'] : [])];

describe.each(CARRIERS)('events that %s carries', (carrier) => {
  let nats: NatsServer | undefined;
  let workers: Workers;
  /** The groups of events that an operator has tried again. */
  const again = new Set<string>();

  beforeAll(async () => {
    url = await postgres.createDatabase(`kills_${CARRIERS.indexOf(carrier)}`);
    database = createPool({ url });
    nats = carrier === 'NATS' ? await startNats(await freePort()) : undefined;
    const pieces = Array.from({ length: PIECES }, (_, index) => `piece${index}`);
    await prepare(pieces, nats?.url);
    const subscribers = (await Promise.all([freePort(), freePort(), freePort()])).map((port) => `127.0.0.1:${port}`);
    const started = async (command: string, argument: object) => {
      const worker = startWorker(PROCESS);
      await worker.ask(command, { url, ...argument });
      return worker;
    };
    const publish = { broker: nats?.url, subscribers, pieces, moves: MOVES };
    workers = await startWorkers(
      [
        ...subscribers.map((listen) => () => started('subscribe', { listen })),
        ...[1, 2, 3].map(() => () => started('publish', publish)),
      ],
      nats,
    );
  });
  afterAll(async () => {
    await workers.close();
    await nats?.close();
    await database.close();
  });

  it.each(PARTS)('go on while processes are killed, frozen and crash: part %i', async (part) => {
    for (let fault = part * FAULTS_OF_PART; fault < (part + 1) * FAULTS_OF_PART; fault += 1) {
      await reached((fault + Math.random()) / FAULTS); // when a fault happens is what is random here
      await workers.disturb(fault);
    }
  });

  it('are all handled', async () => {
    const broker = nats && (await plugin.open(nats.url, { clock }));
    const left = async () => {
      const sql = 'SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM topic_events WHERE waits) AS stored';
      const { stored } = await database.one<{ stored: bigint }>(sql);
      const groups = [...((await broker?.waiting(Moved.$type)) ?? new Map()).values()];
      return groups.reduce((sum, { waiting, running }) => sum + waiting + running, Number(stored));
    };
    // An event that two kills have hit is a dead letter, as it may be their cause: an operator tries it again.
    const retry =
      'UPDATE jobs SET failed = false, attempts = 0, due_time = now() WHERE failed AND ends > 0 RETURNING method, error';
    const moved = () => database.one<{ moved: bigint }>('SELECT sum(moves)::bigint AS moved FROM pieces');
    await eventually(async () => {
      for (const { method, error } of await database.query<{ method: string; error: string }>(retry)) {
        process.stdout.write(`tried again: ${method}, as ${error}\n`);
        again.add((method.split(/[:.]/).at(-1) ?? '').toLowerCase());
      }
      expect((await moved()).moved).toBe(ALL);
      expect(await left()).toBe(0);
    }, WAIT);
    await broker?.close();
  });

  it('have one effect in each group that has a key, in the order of its key; without a key some have two', async () => {
    const rows = await database.query<{ reader: string; effects: bigint; events: bigint; misplaced: bigint }>(
      `SELECT reader, count(*) AS effects, count(DISTINCT (piece, move)) AS events, count(*) FILTER (WHERE move <> place) AS misplaced
     FROM (SELECT reader, piece, move, row_number() OVER (PARTITION BY reader, piece ORDER BY id) AS place FROM effects) AS placed
     GROUP BY reader`,
    );
    process.stdout.write(`${rows.map((row) => Object.values(row).join(' ')).join('\n')}\n`);
    const byReader = new Map(rows.map(({ reader, ...counts }) => [reader, counts]));
    for (const reader of KEYED) {
      const { misplaced, ...counts } = byReader.get(reader) ?? { misplaced: undefined };
      expect(counts).toEqual({ effects: ALL, events: ALL });
      // Where a dead letter doesn't stop its key, those that follow have gone before it.
      if (reader === 'strict' || !again.has(reader)) expect(misplaced).toBe(0n);
    }
    const without = byReader.get('atLeastOnce');
    expect(without?.events).toBe(ALL);
    expect(without?.effects).toBeGreaterThan(ALL);
  });
});
