import type { InstanceTransactions } from '@rondo/contracts/rondo/gateway/v1/console';
import {
  CoordinatorServiceDefinition as COORDINATOR,
  ParticipantServiceDefinition as PARTICIPANT,
  type Saga,
  SagaState,
  type Transaction,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { createClient } from '@rondo/rpc/client';
import type { Answered, Asker, Gatherer } from './gather.js';
import { serves } from './jobs.js';

/** What one instance has, and the name under which it coordinates; empty if it doesn't. */
export interface ReportedTransactions extends InstanceTransactions {
  readonly coordinator: string;
}

/** Gives the unfinished transactions and sagas of each instance, once or whenever they change. */
export function gatherTransactions(
  gatherer: Gatherer,
  { follows }: { readonly follows: boolean },
  asker: Asker,
): AsyncGenerator<Answered<ReportedTransactions>> {
  const [coordinates, takesPart] = [serves(COORDINATOR), serves(PARTICIPANT)];
  return gatherer.ask(
    {
      follows,
      fits: (endpoint) => coordinates(endpoint) || takesPart(endpoint),
      async read(channel, options, endpoint) {
        const coordinator = coordinates(endpoint) ? createClient(COORDINATOR, { channel }) : undefined;
        const participant = takesPart(endpoint) ? createClient(PARTICIPANT, { channel }) : undefined;
        const [listed, started, held] = await Promise.all([
          coordinator?.listTransactions({}, options),
          coordinator?.listSagas({}, options),
          participant?.listInDoubt({}, options),
        ]);
        return {
          instanceId: endpoint.instanceId,
          coordinator: listed?.coordinator ?? '',
          transactions: listed?.transactions ?? [],
          sagas: started?.sagas ?? [],
          participant: held?.participant ?? '',
          inDoubt: held?.branches ?? [],
        };
      },
    },
    asker,
  );
}

/** A branch in doubt: it is prepared, and has neither committed nor aborted. */
export interface InDoubt {
  readonly participant: string;
  readonly prepareTime: Date | undefined;
  /** An instance of the participant, which can end the branch. */
  readonly instanceId: string;
}

/** A transaction, as its coordinator and its participants know it. */
export interface KnownTransaction {
  readonly coordinator: string;
  readonly id: string;
  /** The coordinator's log entry; undefined if the coordinator has finished it, doesn't know it, or can't be asked. */
  readonly logged: Transaction | undefined;
  readonly inDoubt: readonly InDoubt[];
  /** When it began, in milliseconds since the Unix epoch; 0 if it isn't known. */
  readonly sinceMs: number;
}

/** A saga, and an instance that can let it go on. */
export interface KnownSaga {
  readonly saga: Saga;
  readonly instanceId: string;
}

/** The unfinished transactions and sagas of all instances that answered. */
export interface Unfinished {
  readonly transactions: readonly KnownTransaction[];
  readonly sagas: readonly KnownSaga[];
  /** An instance of each coordinator that answered, by the coordinator's name. */
  readonly coordinators: ReadonlyMap<string, string>;
  /** The instances that couldn't be asked: transactions that only they know are missing. */
  readonly unreachable: Answered<unknown>['silent'];
}

/** Joins the answers. Replicas of a service share its database, so what has one id is one. */
export function joinTransactions({ told, silent }: Answered<ReportedTransactions>): Unfinished {
  const sagas = told
    .flatMap(({ sagas, instanceId }) => sagas.map((saga) => [saga.id, { saga, instanceId }] as const))
    // A saga is parked at replicas with other steps, too, while a replica with its steps runs it.
    .sort(([, one], [, other]) => Number(isParked(other)) - Number(isParked(one)));
  const coordinating = told.filter(({ coordinator }) => coordinator !== '');
  const coordinators = new Map(coordinating.map(({ coordinator, instanceId }) => [coordinator, instanceId]));
  return { transactions: transactionsIn(told), sagas: [...new Map(sagas).values()], coordinators, unreachable: silent };
}

const isParked = ({ saga }: KnownSaga): boolean => saga.state === SagaState.SAGA_STATE_PARKED;

/** The transactions of all answers, the oldest first. */
function transactionsIn(told: readonly ReportedTransactions[]): readonly KnownTransaction[] {
  const known = new Map<string, KnownTransaction>();
  const add = (ref: Transaction['ref'], more: (one: KnownTransaction) => Partial<KnownTransaction>) => {
    const { coordinator, id } = ref ?? { coordinator: '', id: '' };
    const one = known.get(`${coordinator}/${id}`) ?? { coordinator, id, logged: undefined, inDoubt: [], sinceMs: 0 };
    known.set(`${coordinator}/${id}`, { ...one, ...more(one) });
  };
  for (const { instanceId, participant, inDoubt: branches, transactions } of told) {
    for (const logged of transactions) add(logged.ref, () => ({ logged }));
    for (const { transaction, prepareTime } of branches) {
      const branch = { participant, prepareTime, instanceId };
      add(transaction, ({ inDoubt }) => ({
        inDoubt: [...inDoubt.filter((one) => one.participant !== participant), branch],
      }));
    }
  }
  const sorted = [...known.values()].map((one) => ({
    ...one,
    inDoubt: one.inDoubt.toSorted((a, b) => (a.participant < b.participant ? -1 : 1)),
    sinceMs: (one.logged?.createTime ?? one.inDoubt[0]?.prepareTime)?.getTime() ?? 0,
  }));
  return sorted.sort((a, b) => a.sinceMs - b.sinceMs);
}
