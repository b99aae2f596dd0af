import type { InstanceWork } from '@rondo/contracts/rondo/gateway/v1/console';
import { type Saga, SagaState, type Transaction } from '@rondo/contracts/rondo/transactions/v1/transactions';
import type { Answered } from './gather.js';

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
export function joinTransactions({ answers, silent }: Answered<InstanceWork>): Unfinished {
  const sagas = answers
    .flatMap(({ sagas, instanceId }) => (sagas?.sagas ?? []).map((saga) => [saga.id, { saga, instanceId }] as const))
    // A saga is parked at replicas with other steps, too, while a replica with its steps runs it.
    .sort(([, one], [, other]) => Number(isParked(other)) - Number(isParked(one)));
  const coordinators = new Map(
    answers.flatMap(({ transactions, instanceId }) =>
      transactions === undefined ? [] : [[transactions.coordinator, instanceId] as const],
    ),
  );
  const transactions = transactionsIn(answers);
  return { transactions, sagas: [...new Map(sagas).values()], coordinators, unreachable: silent };
}

const isParked = ({ saga }: KnownSaga): boolean => saga.state === SagaState.SAGA_STATE_PARKED;

/** The transactions of all answers, the oldest first. */
function transactionsIn(answers: readonly InstanceWork[]): readonly KnownTransaction[] {
  const known = new Map<string, KnownTransaction>();
  const add = (ref: Transaction['ref'], more: (one: KnownTransaction) => Partial<KnownTransaction>) => {
    const { coordinator, id } = ref ?? { coordinator: '', id: '' };
    const one = known.get(`${coordinator}/${id}`) ?? { coordinator, id, logged: undefined, inDoubt: [], sinceMs: 0 };
    known.set(`${coordinator}/${id}`, { ...one, ...more(one) });
  };
  for (const { instanceId, inDoubt: held, transactions } of answers) {
    for (const logged of transactions?.transactions ?? []) add(logged.ref, () => ({ logged }));
    const { participant = '', branches = [] } = held ?? {};
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
