import { AtEnd, MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import type { Database, Queries, QueryOptions, SqlValue } from '@rondo/database';
import { declaredJob, declaredMethod, faultOf, type StoredMethod, unblock } from '@rondo/jobs/internal';
import { BYTES, methodsOf, POLICY_TAG } from '@rondo/rpc/internal';
import { type TopicType, topicOf } from './topic.js';

/** A group of subscribers, as they registered it. */
export interface GroupRow {
  /** The topic and the group, such as `sales.v1.OrderPlaced:deliveries`. */
  readonly name: string;
  readonly topic: string;
  readonly service: string;
  readonly method: string;
  readonly idempotencyLevel: string;
  /** Null if the reader knows it, or if it is too large. */
  readonly policy: Uint8Array | null;
}

/** A group as the database has it. */
export interface RegisteredGroup extends GroupRow {
  /** The identity that may register it; empty if no process with a certificate has done so. */
  readonly owner: string;
  /** Another one after the group was removed and registered again. */
  readonly registration: bigint;
  /** Another one after each change of the row. */
  readonly revision: string;
}

/** How many groups a topic may have, and a publisher in all. The processes of one identity may register half. */
export const MAX_GROUPS = { ofTopic: 32, inAll: 256 } as const;
/** The size of a group's policy, which each replica of the publisher keeps. */
const MAX_POLICY_BYTES = 4_096;

/** Services of Rondo and of gRPC, which say how a process is operated. */
const NO_SUBSCRIBERS = /^(?:rondo\.(?!conformance\.)|grpc\.|xds\.)/;

/** Whether the process with this SPIFFE id may serve a service; with an empty id, whether every process may. */
type MayServe = (identity: string, service: string) => boolean;

/** Why a service can't subscribe to a topic, as the end of a sentence; undefined if it can. */
export function faultOfSubscriber(topic: TopicType, service: string, mayServe?: MayServe): string | undefined {
  if (NO_SUBSCRIBERS.test(service) || mayServe?.('', service) === true)
    return 'every process may serve it, or it is one of Rondo or gRPC';
  const { subscribers = [service] } = topicOf(topic);
  return subscribers.includes(service) ? undefined : `the contract of the topic lists ${subscribers.join(', ')}`;
}

/**
 * The method that gets the events of a group.
 *
 * @throws TypeError that says what is wrong with its contract.
 */
export function methodOf({ name, service: fullName, method, idempotencyLevel, policy }: GroupRow): StoredMethod {
  if (policy === null || policy.length > MAX_POLICY_BYTES)
    throw new TypeError(`(rondo.options.v1.method) of ${fullName}/${method} has more than ${MAX_POLICY_BYTES} bytes`);
  // A length stands before an option's bytes, and isn't read.
  const policies = { _unknownFields: { [POLICY_TAG]: [Uint8Array.of(0, ...policy)] } };
  const options = { ...(idempotencyLevel !== '' && { idempotencyLevel }), ...policies };
  const types = { requestType: BYTES, responseType: BYTES, requestStream: false, responseStream: false };
  const definition = { ...types, name: method, options };
  const service = { name: fullName, fullName, methods: { definition } };
  const known = methodsOf(service).get('definition');
  const { subscription } = MethodPolicy.decode(policy);
  if (known === undefined || subscription === undefined)
    throw new TypeError(`${fullName}/${method} has no subscription in (rondo.options.v1.method)`);
  const declared = declaredJob({ ...subscription, maxRunning: 0, maxRunningPerKey: undefined, schedule: undefined });
  const fault = faultOf(declared, { ...declaredMethod(known), scopes: [] });
  if (fault !== undefined) throw new TypeError(`${known.path}: (rondo.options.v1.method).subscription${fault}`);
  return {
    ...declared,
    service,
    definition,
    method: known,
    name,
    stopsKey: subscription.atEnd === AtEnd.AT_END_STOP_KEY,
  };
}

/** The owner is null if there is no group of the name. */
type Found = { readonly owner: string | null; readonly service: string; readonly isFull: boolean };
const FIND = `
  SELECT max(owner) FILTER (WHERE name = $1) AS owner, coalesce(max(left(service, 255)) FILTER (WHERE name = $1), '') AS service,
    count(*) >= ${MAX_GROUPS.inAll} OR count(*) FILTER (WHERE topic = $2) >= ${MAX_GROUPS.ofTopic} OR $3 <> '' AND (
      count(*) FILTER (WHERE owner = $3) >= ${MAX_GROUPS.inAll / 2} OR
      count(*) FILTER (WHERE owner = $3 AND topic = $2) >= ${MAX_GROUPS.ofTopic / 2}) AS "isFull"
  FROM topic_groups`;

/** Stores a group, in the place of one with its name; or tells that there are too many, or to which process the group belongs. */
export async function registerGroup(
  database: Database,
  group: GroupRow,
  { identity, mayServe = () => true, ...options }: QueryOptions & { identity: string; mayServe: MayServe | undefined },
): Promise<{ readonly isFull?: true; readonly belongsTo?: string }> {
  return await database.transaction(async ({ query, one }) => {
    await query('LOCK TABLE topic_groups IN SHARE ROW EXCLUSIVE MODE');
    const { owner, service, isFull } = await one<Found>(FIND, [group.name, group.topic, identity]);
    if (owner === null && isFull) return { isFull };
    // What was published while a group of this name was being removed.
    if (owner === null) await query('DELETE FROM jobs WHERE method = $1', [group.name]);
    // Without an owner, a group is that of the process that serves its method. Without TLS, there is no identity to compare.
    else if (identity !== '' && owner !== identity && (owner !== '' || !mayServe(identity, service)))
      return { belongsTo: owner || `the process of ${service}` };
    await query(
      `INSERT INTO topic_groups (name, topic, service, method, idempotency_level, policy, owner) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (name) DO UPDATE SET service = EXCLUDED.service, method = EXCLUDED.method,
         idempotency_level = EXCLUDED.idempotency_level, policy = EXCLUDED.policy,
         owner = coalesce(nullif(EXCLUDED.owner, ''), topic_groups.owner)`,
      [group.name, group.topic, group.service, group.method, group.idempotencyLevel, group.policy, identity],
    );
    return {};
  }, options);
}

/** All groups of these topics, with the policies of those whose revisions aren't in `known`; without `known` with none. */
export const readGroups = (
  { query }: Queries,
  topics: readonly string[],
  { known, ...options }: QueryOptions & { known?: readonly string[] },
) =>
  query<RegisteredGroup>(
    `SELECT name, topic, left(service, 255) AS service, left(method, 255) AS method, left(idempotency_level, 255) AS "idempotencyLevel",
       registration, owner, name || ' ' || xmin::text AS revision,
       CASE WHEN octet_length(policy) <= ${MAX_POLICY_BYTES} AND name || ' ' || xmin::text <> ALL ($2) THEN policy END AS policy
     FROM topic_groups WHERE topic = ANY($1) ORDER BY name`,
    [topics, known ?? null],
    { ...options, name: 'rondo_topic_groups' },
  );

/** Removes a group and what it hasn't taken; undefined if there is none. */
export async function removeGroup(
  { query, maybeOne }: Queries,
  name: string,
): Promise<Pick<RegisteredGroup, 'name' | 'topic' | 'registration'> | undefined> {
  const sql = 'DELETE FROM topic_groups WHERE name = $1 RETURNING name, topic, registration';
  const removed = await maybeOne<Pick<RegisteredGroup, 'name' | 'topic' | 'registration'>>(sql, [name]);
  if (removed !== undefined) await query('DELETE FROM jobs WHERE method = $1', [name]);
  return removed;
}

/**
 * Two parts of a `WITH` that publish an event if there is a row in another, for a statement that does all the work of its transaction. What an
 * operator sees of a delivery is the event's key, in `progress`.
 *
 * @param params is the number of the first of the five parameters, those of `Topics.params`. @param from is the part that has one row.
 */
export function publishSql({ params, from }: { readonly params: number; readonly from: string }): string {
  const [id, topic, key, event, trace] = ['text', 'text', 'text', 'bytea', 'text'].map(
    (type, index) => `$${params + index}::${type}`,
  );
  const relayed = `SELECT FROM topic_relays WHERE topic_relays.topic = ${topic}`;
  return `published AS (
    INSERT INTO topic_events (id, topic, key, event, traceparent, waits)
    SELECT ${id}, ${topic}, ${key}, ${event}, ${trace}, EXISTS (${relayed}) FROM ${from}
  ), delivered AS (
    INSERT INTO jobs (method, key, lane, request, due_time, traceparent, progress, ready)
    SELECT name, ${id}, nullif(${key}, ''), ${event}, now(), ${trace}, ${key}, NULL FROM ${from} CROSS JOIN topic_groups
    WHERE topic_groups.topic = ${topic} AND NOT EXISTS (${relayed})
  )`;
}

const PUBLISH = `WITH always AS (SELECT 1), ${publishSql({ params: 1, from: 'always' })} SELECT 1`;

/** Stores an event, and for each group that it is to be delivered. */
export async function insertEvent({ query }: Queries, params: readonly SqlValue[]): Promise<void> {
  await query(PUBLISH, params, { name: 'rondo_topic_publish' });
}

/** Delivers the events of a group's topic again; resolves to how many. What it hasn't taken yet stays as it is. */
export async function replay(
  { one }: Queries,
  { group, from }: { readonly group: string; readonly from: Date | undefined },
): Promise<bigint> {
  const { count } = await one<{ count: bigint }>(
    `WITH again AS (INSERT INTO jobs AS stored (method, key, lane, request, due_time, traceparent, progress, version, ready)
     SELECT name, id, nullif(key, ''), event, now(), traceparent, key, version, NULL
     FROM (SELECT DISTINCT ON (id) name, id, key, event, traceparent, place FROM topic_groups JOIN topic_events USING (topic)
       WHERE name = $1 AND create_time >= coalesce($2, '-infinity'::timestamptz) ORDER BY id, place) AS once
     CROSS JOIN (SELECT nextval('topic_replays')::integer AS version) AS replay ORDER BY place
     ON CONFLICT (method, key) DO UPDATE SET version = EXCLUDED.version, lane = EXCLUDED.lane, failed = false, attempts = 0,
       due_time = now() WHERE stored.failed
     RETURNING id)
     SELECT count(*) AS count FROM again`,
    [group, from ?? null],
  );
  return count;
}

const TRIM_BATCH = 1_000;
const TRIM = `
  WITH old AS (
    SELECT place, id FROM topic_events WHERE topic = $1 AND NOT waits AND create_time < now() - $2 * interval '1 ms'
    ORDER BY create_time LIMIT ${TRIM_BATCH} FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM topic_events USING old WHERE topic_events.place = old.place RETURNING old.id
  ), cut AS (
    DELETE FROM jobs USING gone, topic_groups WHERE topic_groups.topic = $1 AND jobs.method = name AND jobs.key = gone.id
    RETURNING jobs.method, jobs.lane
  ), counted AS (
    UPDATE topic_groups SET cut = cut + of_group.events
    FROM (SELECT method, count(*) AS events FROM cut GROUP BY method) AS of_group WHERE name = of_group.method
  )
  SELECT method, lane, (SELECT count(*) FROM gone) AS gone FROM (SELECT 1) AS always LEFT JOIN cut ON true`;

/** Removes events whose retention has ended, and counts for each group those that it hadn't taken. Resolves to whether there may be more. */
export async function trim(database: Database, topic: string, retentionMs: number): Promise<boolean> {
  return await database.transaction(async (transaction) => {
    const rows = await transaction.query<{ method: string; lane: string | null; gone: bigint }>(TRIM, [
      topic,
      retentionMs,
    ]);
    const lanes = rows.filter(({ lane }) => lane !== null);
    if (lanes.length > 0) await unblock(transaction, lanes);
    return rows.some(({ gone }) => gone === BigInt(TRIM_BATCH));
  });
}
