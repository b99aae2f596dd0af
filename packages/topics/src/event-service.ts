import {
  type DeadEvent,
  EventServiceDefinition,
  type RegisterGroupRequest,
} from '@rondo/contracts/rondo/events/v1/events';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import type { Database, OperatorAudit, QueryOptions, Transaction } from '@rondo/database';
import { countJobs, discardJob, listJobs, listRetried, retryJob } from '@rondo/jobs/internal';
import { callerIdentity, type ServerCall } from '@rondo/rpc/call';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { mayOperate, parseSpiffeId } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { Broker, BrokerGroup, Waiting } from './broker.js';
import { topicErrors } from './errors.js';
import { faultOfSubscriber, methodOf, readGroups, registerGroup, removeGroup, replay } from './groups.js';
import { brokerGroup, type GroupId, replayFrom } from './outbox.js';
import type { TopicType } from './topic.js';

interface EventServiceOptions {
  readonly database: Database;
  readonly topics: readonly TopicType[];
  readonly mayServe: ((identity: string, service: string) => boolean) | undefined;
  /** There is something to deliver, or a group has changed. */
  readonly nudge: () => void;
  readonly audit: OperatorAudit | undefined;
  /** What carries the events, if it isn't the database. */
  readonly broker: () => Broker | undefined;
  readonly clock: Clock;
}

/** So long a list waits for NATS, which answers late or never if it is frozen. */
const CARRIER_MS = 2_000;

/** The service by which subscribers register, and `rondo events` shows and resolves. */
export function createEventService(options: EventServiceOptions): ServiceImplementation {
  const { database, nudge, audit } = options;
  const byBroker = brokerOf(options);
  /** Does what an operator wants to the thing of this name, in a transaction that ends with its event in the audit. */
  const operate = async <T>(call: ServerCall, name: string, work: (transaction: Transaction) => Promise<T>) => {
    requireOperator(call);
    const result = await database.transaction(
      async (transaction) => {
        const done = await work(transaction);
        await audit?.record(transaction, { name });
        return done;
      },
      { signal: call.signal, statementTimeoutMs: 0 }, // the call's timeout bounds it
    );
    nudge();
    return result;
  };
  const resolve = (id: bigint, change: typeof retryJob, call: ServerCall) =>
    operate(call, `events/${id}`, async (transaction) => {
      const row = await change(transaction, id);
      const group = row && (await transaction.maybeOne('SELECT FROM topic_groups WHERE name = $1', [row.method]));
      if (row === undefined || group === undefined) throw topicErrors.NO_EVENT({ id: String(id) });
      return toEvent(row);
    });
  return implement(EventServiceDefinition, {
    async registerGroup(request, call) {
      await register(options, request, call);
      nudge();
      return {};
    },
    async listGroups(_, call) {
      requireOperator(call);
      return await list(options, call);
    },
    retryEvent: ({ id }, call) => resolve(id, retryJob, call),
    discardEvent: ({ id }, call) => resolve(id, discardJob, call),
    replayEvents: ({ group, fromTime }, call) =>
      operate(call, `groups/${group}`, async (transaction) => {
        const sql = 'SELECT name, topic, registration FROM topic_groups WHERE name = $1';
        const known = await transaction.maybeOne<GroupId>(sql, [group]);
        if (known === undefined) throw topicErrors.NO_GROUP({ group });
        const carried = await byBroker((broker) => replayFrom(broker, transaction, { group: known, from: fromTime }));
        return { events: BigInt(carried ?? (await replay(transaction, { group, from: fromTime }))) };
      }),
    handOverGroup: ({ group, owner }, call) =>
      operate(call, `groups/${group}`, async ({ maybeOne }) => {
        if (parseSpiffeId(owner) === undefined)
          throw topicErrors.GROUP_REFUSED({
            reason: 'its new owner is no identity, such as spiffe://rondo.local/sales',
          });
        const sql = 'UPDATE topic_groups SET owner = $2 WHERE name = $1 RETURNING name';
        if ((await maybeOne(sql, [group, owner])) === undefined) throw topicErrors.NO_GROUP({ group });
        return {};
      }),
    removeGroup: ({ group }, call) =>
      operate(call, `groups/${group}`, async (transaction) => {
        const removed = await removeGroup(transaction, group);
        if (removed === undefined) throw topicErrors.NO_GROUP({ group });
        await byBroker((broker) => broker.end(brokerGroup(removed)));
        return {};
      }),
  });
}

/** Stores the group of a request. @throws RpcError that says why it may not be registered. */
async function register(
  { database, topics, mayServe }: EventServiceOptions,
  { topic: name, group, policy, again, ...method }: RegisterGroupRequest,
  { values, signal }: ServerCall,
): Promise<void> {
  const { service } = method;
  const topic = topics.find(({ $type }) => $type === name);
  const known = topics.map(({ $type }) => $type).join(', ');
  if (topic === undefined) throw topicErrors.NO_TOPIC({ topic: name.slice(0, 255), known });
  const bytes = MethodPolicy.encode(MethodPolicy.fromPartial(policy ?? {})).finish();
  const row = { ...method, name: `${name}:${group}`, topic: name, policy: bytes };
  try {
    if (!/^[A-Za-z0-9._-]{1,200}$/.test(group)) throw new TypeError(`its name is "${group.slice(0, 50)}"`);
    if (!/^[\w.]{1,255} \w{1,255} \w{0,255}$/.test(`${service} ${method.method} ${method.idempotencyLevel}`))
      throw new TypeError('service, method and idempotency_level are names of at most 255 characters');
    methodOf(row);
  } catch (error) {
    throw topicErrors.GROUP_REFUSED({ reason: reasonOf(error) });
  }
  const identity = values.get(callerIdentity);
  const caller = identity || 'a process without a certificate';
  const isForeign = identity !== '' && mayServe?.(identity, service) === false;
  const reason = faultOfSubscriber(topic, service, mayServe) ?? (isForeign && 'a process that serves it may');
  if (reason) throw topicErrors.NOT_ITS_METHOD({ caller, service, topic: name, reason });
  const stored = 'SELECT FROM topic_groups WHERE name = $1';
  if (again && (await database.maybeOne(stored, [row.name], { signal })) !== undefined) return;
  const { isFull, belongsTo } = await registerGroup(database, row, { identity, mayServe, signal });
  if (isFull) throw topicErrors.TOO_MANY_GROUPS({});
  if (belongsTo !== undefined) throw topicErrors.NOT_ITS_GROUP({ caller, group: row.name, owner: belongsTo });
}

async function list(options: EventServiceOptions, { signal }: Pick<ServerCall, 'signal'>) {
  const { database, topics } = options;
  const names = topics.map(({ $type }) => $type);
  const rows = await readGroups(database, names, { signal });
  const groups = rows.map(({ name }) => name);
  const [counts, jobs, retried, states, carried] = await Promise.all([
    countJobs(database, groups, { signal }),
    listJobs(database, groups, { signal }),
    listRetried(database, groups, { signal }),
    statesOf(database, groups, { signal }),
    carriedWithin(options, names),
  ]);
  const countOf = new Map(counts.map(({ method: name, ...count }) => [name, count]));
  const stateOf = new Map(states.map(({ name, ...state }) => [name, state]));
  return {
    topics: names,
    groups: rows.map((row) => ({
      ...together({ ...countOf.get(row.name), ...stateOf.get(row.name) }, carried.has?.get(atBroker(brokerGroup(row)))),
      name: row.name,
      method: `${row.service}/${row.method}`,
      owner: row.owner,
    })),
    events: jobs.filter(({ failed }) => failed).map(toEvent),
    refused: retried.map(toEvent),
    carrierFault: carried.fault,
  };
}

/** Does what is only to do if a broker carries the topics. */
const brokerOf =
  ({ broker }: Pick<EventServiceOptions, 'broker'>) =>
  async <T>(work: (broker: Broker) => Promise<T>): Promise<T | undefined> => {
    const carrier = broker();
    try {
      return carrier && (await work(carrier));
    } catch (error) {
      throw topicErrors.BROKER_AWAY({ reason: reasonOf(error) });
    }
  };

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

const atBroker = ({ topic, group }: BrokerGroup) => `${topic}:${group}`;

/** What the broker has for each group, or why that isn't known. */
async function carriedWithin({ broker, clock }: EventServiceOptions, names: readonly string[]) {
  const carrier = broker();
  if (carrier === undefined) return { has: undefined, fault: '' };
  const answered = new AbortController();
  const late = async () => {
    await sleep(clock, CARRIER_MS, answered.signal);
    throw new Error(`NATS gave no answer within ${CARRIER_MS} ms`);
  };
  try {
    return { has: await Promise.race([carriedBy(carrier, names), late()]), fault: '' };
  } catch (error) {
    return { has: undefined, fault: reasonOf(error) };
  } finally {
    answered.abort();
  }
}

/** What the broker has for each group. */
async function carriedBy(broker: Broker, topics: readonly string[]): Promise<ReadonlyMap<string, Waiting>> {
  const ofTopics = await Promise.all(
    topics.map(async (topic) =>
      [...(await broker.waiting(topic))].map(([group, has]) => [atBroker({ topic, group }), has] as const),
    ),
  );
  return new Map(ofTopics.flat());
}

interface GroupState {
  readonly waiting?: bigint;
  readonly running?: bigint;
  readonly oldestTime?: Date | undefined;
}

/** What a group hasn't taken, in the database and at the broker. */
function together<T extends GroupState>(stored: T, carried: Waiting | undefined): T & GroupState {
  if (carried === undefined) return stored;
  const times = [stored.oldestTime, carried.oldestTime].flatMap((time) => time?.getTime() ?? []);
  return {
    ...stored,
    waiting: (stored.waiting ?? 0n) + BigInt(carried.waiting),
    running: (stored.running ?? 0n) + BigInt(carried.running),
    oldestTime: times.length === 0 ? undefined : new Date(Math.min(...times)),
  };
}

function requireOperator({ values }: Pick<ServerCall, 'values'>): void {
  if (!mayOperate({ values })) throw topicErrors.EVENT_OPERATORS_ONLY({ caller: values.get(callerIdentity) });
}

const statesOf = ({ query }: Database, names: readonly string[], options: QueryOptions) =>
  query<{ name: string; cut: bigint; oldestTime: Date | undefined }>(
    `SELECT name, cut, (SELECT min(create_time) FROM (
       SELECT create_time FROM jobs WHERE jobs.method = name AND NOT failed ORDER BY due_time LIMIT 1000) AS waiting) AS "oldestTime"
     FROM topic_groups WHERE name = ANY($1)`,
    [names],
    options,
  );

const toEvent = ({
  id,
  method: group,
  progress: key,
  createTime: publishTime,
  attempts,
  error,
  refusals,
}: Awaited<ReturnType<typeof listJobs>>[number]): DeadEvent => ({
  id,
  group,
  key,
  publishTime,
  attempts,
  error,
  refusals,
});
