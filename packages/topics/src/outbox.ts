import type { Database, Queries, QueryOptions } from '@rondo/database';
import { type Clock, sleep } from '@rondo/rpc/clock';
import type { Broker, BrokerEvent, BrokerGroup } from './broker.js';
import type { RegisteredGroup } from './groups.js';

interface WaitingEvent extends BrokerEvent {
  readonly place: bigint;
}

/** A process that freezes while it sends is replaced after this time. */
const LOCK = "SET LOCAL idle_in_transaction_session_timeout = '20s'";
const WAITS = 'SELECT FROM topic_events WHERE waits AND topic = ANY($1) LIMIT 1';
/** One process sends at a time, as else a later event of a key could overtake. */
const TAKE_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('rondo.topics', 11)) AS mine";
const WAITING = `
  SELECT place, id, topic, key, event, traceparent, time FROM unnest($1::text[]) AS of_topic (name) CROSS JOIN LATERAL (
    SELECT place, id, topic, key, event, traceparent, create_time AS time FROM topic_events
    WHERE waits AND topic = of_topic.name ORDER BY place LIMIT $2) AS waiting
  ORDER BY place`;
const GROUPS = 'SELECT name, topic, registration FROM topic_groups WHERE topic = ANY($1)';

interface Sender {
  readonly topics: readonly string[];
  /** Whether the broker has the group, as far as this process knows. */
  readonly hasBegun: (group: GroupId) => boolean;
  readonly database: Database;
  readonly broker: Broker;
  readonly clock: Clock;
}

const TURN_MS = 5_000;
/** How long a process waits that isn't its turn. */
const RETRY_MS = 50;

/** A group, apart from one of its name that was removed. */
export type GroupId = Pick<RegisteredGroup, 'name' | 'topic' | 'registration'>;

/**
 * Sends what waits to the broker, in the order of its statements, and removes it: nothing while the broker lacks a group that was registered
 * before. Resolves to whether there may be more.
 */
export async function sendWaiting(
  sender: Sender,
  { most, signal }: QueryOptions & { /** Of a topic. */ readonly most: number },
): Promise<boolean> {
  const { database, clock, topics } = sender;
  if ((await database.query(WAITS, [topics], { signal })).length === 0) return false;
  const { fault, more, mine } = await database.transaction(
    async ({ query, one }) => {
      await query(LOCK);
      const { mine } = await one<{ mine: boolean }>(TAKE_TURN);
      if (!mine) return { fault: undefined, more: true, mine };
      const rows = await query<WaitingEvent>(WAITING, [topics, most]);
      const groups = await query<GroupId>(GROUPS, [topics]);
      if (!groups.every(sender.hasBegun)) return { fault: undefined, more: true, mine };
      const { sent, fault } = await sendByKey(sender, rows);
      if (sent.length > 0) await query('DELETE FROM topic_events WHERE place = ANY($1)', [sent]);
      return { fault, more: rows.length >= most || sent.length < rows.length, mine };
    },
    { signal },
  );
  if (fault !== undefined) throw fault;
  if (more && !mine) await sleep(clock, RETRY_MS, signal);
  return more;
}

/** Sends the events of a key one after the other, up to the first that the broker doesn't take. */
async function sendByKey({ broker, clock }: Sender, rows: readonly WaitingEvent[]) {
  const endsAt = clock.now() + TURN_MS;
  const lanes = new Map<string, WaitingEvent[]>();
  for (const row of rows) {
    const lane = `${row.topic} ${row.key === '' ? row.place : `=${row.key}`}`;
    lanes.set(lane, [...(lanes.get(lane) ?? []), row]);
  }
  const sent: bigint[] = [];
  let fault: unknown;
  const send = async (lane: readonly WaitingEvent[]) => {
    for (const row of lane) {
      if (clock.now() > endsAt) return;
      await broker.send(row);
      sent.push(row.place);
    }
  };
  await Promise.all(
    [...lanes.values()].map((lane) =>
      send(lane).catch((error: unknown) => {
        fault ??= error;
      }),
    ),
  );
  return { sent, fault };
}

interface LookUp extends QueryOptions {
  readonly group: string;
  readonly event: BrokerEvent;
  readonly retentionMs: number;
}

/** Whether the retention of an event has ended, whether others of its key are in the database, which it may not overtake, and which instance is for suspects. */
export async function lookUp(
  { one }: Queries,
  { group, event: { key, time }, retentionMs, ...options }: LookUp,
): Promise<{ readonly isLate: boolean; readonly isBehind: boolean; readonly avoids: string | null }> {
  return await one(
    `SELECT $3::timestamptz < now() - $4 * interval '1 ms' AS "isLate",
       EXISTS (SELECT FROM jobs WHERE method = $1 AND lane = $2) AS "isBehind",
       (SELECT instance FROM job_quarantine WHERE until > now()) AS avoids`,
    [group, key, time, retentionMs],
    { ...options, name: 'rondo_topic_look_up' },
  );
}

/** Counts an event that a group didn't take in time. */
export async function cutOne({ query }: Queries, group: string): Promise<void> {
  await query('UPDATE topic_groups SET cut = cut + 1 WHERE name = $1', [group]);
}

/** How far the delivery of an event is. */
export const FRESH = { version: 1, attempts: 0, ends: 0, error: '', failed: false, backoffMs: 0, leavesLane: false };

interface BroughtBack {
  readonly group: string;
  readonly events: readonly BrokerEvent[];
  readonly state: typeof FRESH;
}

/**
 * It also stores the events as those of topics that no broker carries, so that they end with their retention. What has failed before
 * is replaced by a later version. A broker may have an event twice.
 */
const BRING_BACK = `
  WITH given AS (
    SELECT DISTINCT ON (id) id, key, event, traceparent, time, place FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[]) WITH ORDINALITY
      AS given (id, key, event, traceparent, time, place) ORDER BY id, place
  ), stored AS (
    INSERT INTO jobs AS stored
      (method, key, lane, request, due_time, traceparent, progress, create_time, version, attempts, error, failed, ends, ready)
    SELECT $1, id, CASE WHEN $12 THEN NULL ELSE nullif(key, '') END, decode(event, 'base64'), now() + $11 * interval '1 ms',
      traceparent, key, time, $7::integer, $8::integer, $9::text, $10::boolean, $13::integer, NULL
    FROM given ORDER BY place
    ON CONFLICT (method, key) DO UPDATE SET version = EXCLUDED.version, lane = EXCLUDED.lane, failed = false, attempts = 0,
      due_time = now() WHERE stored.failed AND stored.version < EXCLUDED.version
    RETURNING key
  )
  INSERT INTO topic_events (id, topic, key, event, traceparent, create_time)
  SELECT given.id, split_part($1, ':', 1), given.key, decode(event, 'base64'), traceparent, time
  FROM given JOIN stored ON stored.key = given.id RETURNING id`;

/** Stores that events are delivered to a group from the database. Resolves to how many. */
export async function bringBack({ query }: Queries, { group, events, state }: BroughtBack): Promise<number> {
  const rows = await query(
    BRING_BACK,
    [
      ...[group, events.map(({ id }) => id), events.map(({ key }) => key)],
      events.map(({ event }) => Buffer.from(event).toString('base64')),
      ...[events.map(({ traceparent }) => traceparent), events.map(({ time }) => time)],
      ...[state.version, state.attempts, state.error, state.failed, state.backoffMs, state.leavesLane, state.ends],
    ],
    { name: 'rondo_topic_bring_back' },
  );
  return rows.length;
}

const PAGE = 100;

/** Delivers the events that a group has taken to it again, from the database. Resolves to how many. */
export async function replayFrom(
  broker: Broker,
  transaction: Queries,
  { group, from }: { readonly group: GroupId; readonly from: Date | undefined },
): Promise<number> {
  const { version } = await transaction.one<{ version: number }>("SELECT nextval('topic_replays')::integer AS version");
  let [count, page]: [number, BrokerEvent[]] = [0, []];
  const store = async () => {
    count += await bringBack(transaction, { group: group.name, events: page, state: { ...FRESH, version } });
    page = [];
  };
  for await (const event of broker.read(brokerGroup(group), from ?? new Date(0))) {
    page.push(event);
    if (page.length === PAGE) await store();
  }
  await store();
  return count;
}

/** The group as the broker has it. */
export const brokerGroup = ({ name, topic, registration }: GroupId): BrokerGroup => ({
  topic,
  group: `${name.slice(topic.length + 1)}.${registration}`,
});
