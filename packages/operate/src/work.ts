import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import {
  InstanceWork,
  type ResolveWorkRequest,
  type WatchWorkRequest,
  WorkKind,
} from '@rondo/contracts/rondo/gateway/v1/console';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { type Run, RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import {
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
  SagaState,
  type Transaction,
  TransactionState,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type CallOptions, type Channel, type Client, createClient, type Endpoint } from '@rondo/rpc/client';
import { operationService } from '@rondo/rpc/internal';
import type { Asker, AskOptions, Gatherer } from './gather.js';

const MAX_LISTED = 100;
/** A transaction whose decision was sent so often waits for a participant that is away. */
const STUCK_ATTEMPTS = 10;
const { RUN_STATE_BLOCKED, RUN_STATE_PARKED, RUN_STATE_UNSPECIFIED } = RunState;

/** Which work is read. */
type Wanted = Pick<WatchWorkRequest, 'stuck' | 'run'>;

/** What is read of an instance that serves a contract. */
interface Reader {
  readonly kind: WorkKind;
  readonly contract: string;
  readonly read: (channel: Channel, options: AskOptions, wanted: Wanted) => Promise<Partial<InstanceWork>>;
}

/** How many calls wait and run changes with each of them: what is stuck doesn't. */
const stuckOnly = <T extends { readonly failed: bigint }>(all: readonly T[]) =>
  all.filter(({ failed }) => failed > 0n).map((one) => ({ ...one, waiting: 0n, running: 0n }));

const READERS: readonly Reader[] = [
  {
    kind: WorkKind.WORK_KIND_JOBS,
    contract: JobServiceDefinition.fullName,
    async read(channel, options, { stuck }) {
      const { methods, jobs } = await createClient(JobServiceDefinition, { channel }).listJobs({}, options);
      return { jobs: stuck ? { methods: stuckOnly(methods), jobs: [] } : { methods, jobs: jobs.slice(0, MAX_LISTED) } };
    },
  },
  {
    kind: WorkKind.WORK_KIND_RUNS,
    contract: RunServiceDefinition.fullName,
    async read(channel, options, { stuck, run: name }) {
      const client = createClient(RunServiceDefinition, { channel });
      if (name !== '') return { runs: [await client.getRun({ name }, options)] };
      const runs = await listRuns(client, { pageSize: MAX_LISTED, states: stuck ? STUCK : FIRST }, options);
      return { runs: runs.slice(0, MAX_LISTED) };
    },
  },
  {
    kind: WorkKind.WORK_KIND_EVENTS,
    contract: EventServiceDefinition.fullName,
    async read(channel, options, { stuck }) {
      const listed = await createClient(EventServiceDefinition, { channel }).listGroups({}, options);
      if (stuck) return { events: { ...listed, groups: stuckOnly(listed.groups), events: [], refused: [] } };
      const [events, refused] = [listed.events.slice(0, MAX_LISTED), listed.refused.slice(0, MAX_LISTED)];
      return { events: { ...listed, events, refused } };
    },
  },
  {
    kind: WorkKind.WORK_KIND_TRANSACTIONS,
    contract: CoordinatorServiceDefinition.fullName,
    async read(channel, options, { stuck }) {
      const client = createClient(CoordinatorServiceDefinition, { channel });
      const [listed, { sagas }] = await Promise.all([
        client.listTransactions({}, options),
        client.listSagas({}, options),
      ]);
      if (!stuck) return { transactions: listed, sagas: { sagas } };
      const isStuck = ({ state, attempts }: Pick<Transaction, 'state' | 'attempts'>) =>
        state === TransactionState.TRANSACTION_STATE_CONFLICT || attempts >= STUCK_ATTEMPTS;
      const transactions = listed.transactions.filter(isStuck).map((one) => ({ ...one, attempts: 0 }));
      return {
        transactions: { ...listed, transactions },
        sagas: { sagas: sagas.filter(({ state }) => state === SagaState.SAGA_STATE_PARKED) },
      };
    },
  },
  {
    kind: WorkKind.WORK_KIND_TRANSACTIONS,
    contract: ParticipantServiceDefinition.fullName,
    async read(channel, options) {
      return { inDoubt: await createClient(ParticipantServiceDefinition, { channel }).listInDoubt({}, options) };
    },
  },
];

/** Which work of instances is read, and whether again and again; at first all work of all kinds. */
type WorkQuery = Partial<WatchWorkRequest> & { readonly follows: boolean };

/**
 * Yields the stored work of each instance that has some, once or whenever it changes.
 *
 * @throws RpcError `INVALID_ARGUMENT` if no run can have the name.
 */
export function readWork(
  { kinds = [], stuck = false, run = '', follows }: WorkQuery,
  gatherer: Gatherer,
  asker: Asker,
) {
  const service = run === '' ? undefined : operationService({ name: run });
  const wanted = READERS.filter(({ kind }) => kinds.length === 0 || kinds.includes(kind));
  const readersOf = ({ services = [] }: Endpoint) =>
    service === undefined || services.includes(service)
      ? wanted.filter(({ contract }) => services.includes(contract))
      : [];
  return gatherer.ask<InstanceWork>(
    {
      follows,
      fits: (endpoint) => readersOf(endpoint).length > 0,
      async read(channel, options, endpoint) {
        const parts = readersOf(endpoint).map(({ read }) => read(channel, options, { stuck, run }));
        return Object.assign(
          InstanceWork.fromPartial({ instanceId: endpoint.instanceId }),
          ...(await Promise.all(parts)),
        );
      },
    },
    asker,
  );
}

/** What waits for an operator or for another version; first of all, also if it is older than what a page has. */
const STUCK = [RUN_STATE_BLOCKED, RUN_STATE_PARKED];
const FIRST = [...STUCK, RUN_STATE_UNSPECIFIED];

interface ListedRuns {
  /** In these states, one after the other; unspecified are all. */
  readonly states?: readonly RunState[];
  /** Of each state; 1,000 by default, and at most. */
  readonly pageSize?: number;
}

/** The runs of a service without their steps: by default those that are blocked or parked first, then the newest. */
export async function listRuns(
  client: Client<typeof RunServiceDefinition>,
  { states = FIRST, pageSize = 0 }: ListedRuns,
  options: CallOptions,
): Promise<readonly Run[]> {
  const pages = await Promise.all(states.map((state) => client.listRuns({ state, pageSize }, options)));
  return [...new Map(pages.flatMap(({ runs }) => runs).map((run) => [run.name, run])).values()];
}

/** Makes the call of an instance by which an operator resolves stored work. */
export async function resolveWork(action: ResolveWorkRequest['action'], channel: Channel, options: CallOptions) {
  switch (action?.$case) {
    case 'retryJob':
    case 'discardJob':
      return createClient(JobServiceDefinition, { channel })[action.$case](action.value, options);
    case 'retryRun':
    case 'cancelRun':
      return createClient(RunServiceDefinition, { channel })[action.$case](action.value, options);
    case 'retryEvent':
    case 'discardEvent':
      return createClient(EventServiceDefinition, { channel })[action.$case](action.value, options);
    case 'replayEvents':
      return createClient(EventServiceDefinition, { channel }).replayEvents(action.value, options);
    case 'removeGroup':
      return createClient(EventServiceDefinition, { channel }).removeGroup(action.value, options);
  }
}
