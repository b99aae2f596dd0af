import type { InDoubtBranch, Saga, Transaction } from '@rondo/contracts/rondo/transactions/v1/transactions';
import type { Json } from '../page/json.js';
import type { Tone } from '../ui/parts.js';
import { wordOf } from '../ui/text.js';
import type { Reported, Work } from './watch.js';

/** A transaction or a saga. */
export interface Unfinished {
  readonly id: string;
  /** What it is about, such as `accept-quote quotes/7`. */
  readonly about: string;
  /** Such as `committing`, or the state of a saga and its step. */
  readonly state: string;
  readonly waitsFor: string;
  /** In RFC 3339; empty if it isn't known. */
  readonly since: string;
  readonly attempts: number;
  readonly parties: readonly Party[];
}

/** A participant of a transaction. */
interface Party {
  readonly name: string;
  readonly tone: Tone;
  /** Such as `committed`, or that it holds locks. */
  readonly state: string;
}

/** Replicas of a service report the same: what has one id is one. A branch whose coordinator lists its transaction is that. */
export function openIn({ byInstance }: Work): ReadonlyMap<string, Unfinished> {
  const reports = [...byInstance.values()];
  const branches = reports.flatMap(({ inDoubt: { participant = '', branches: held = [] } = {} }) =>
    held.map((branch) => ({ ...branch, participant, id: branch.transaction?.id ?? '' })),
  );
  const holders = Map.groupBy(branches, ({ id }) => id);
  const heldBy = (id: string) =>
    [...new Set((holders.get(id) ?? []).map(({ participant }) => participant))].map(
      (name): Party => ({ name, tone: 'warn', state: 'prepared: holds its locks' }),
    );
  const all = [
    ...branches.map((one) => branchOf(one, heldBy(one.id))),
    ...transactionsOf(reports).map((one) => transactionOf(one, heldBy(one.ref?.id ?? ''))),
    ...reports.flatMap(({ sagas }) => sagas?.sagas ?? []).map(sagaOf),
  ];
  return new Map(all.map((work) => [work.id, work]));
}

const transactionsOf = (reports: readonly Reported[]) =>
  reports.flatMap(({ transactions }) => transactions?.transactions ?? []);

interface Branch extends Json<InDoubtBranch> {
  readonly id: string;
  readonly participant: string;
}

const branchOf = (
  { id, participant, transaction, prepareTime = '' }: Branch,
  parties: readonly Party[],
): Unfinished => ({
  id,
  parties,
  about: `a branch in ${participant}`,
  state: 'in doubt',
  since: prepareTime,
  attempts: 0,
  waitsFor: `the decision of ${transaction?.coordinator}, and holds its locks until then`,
});

const OUTCOMES: Readonly<Record<string, readonly [Tone, string]>> = {
  BRANCH_OUTCOME_COMMITTED: ['good', 'committed'],
  BRANCH_OUTCOME_ABORTED: ['', 'aborted'],
  BRANCH_OUTCOME_UNKNOWN: ['fault', 'has forgotten it'],
};

/** The participants; one whose branch is prepared is what holds it. */
function partiesOf({ participants = [] }: Json<Transaction>, held: readonly Party[]): readonly Party[] {
  const known = participants.map(({ service: name = '', outcome = '' }): Party => {
    const [tone, state] = OUTCOMES[outcome] ?? ['', 'has not answered'];
    return { name, tone, state };
  });
  return [...new Map([...known, ...held].map((party) => [party.name, party])).values()];
}

function transactionOf(transaction: Json<Transaction>, held: readonly Party[]): Unfinished {
  const { ref, kind, subject, participants = [], expireTime, createTime: since = '', attempts = 0 } = transaction;
  const [id, state] = [ref?.id ?? '', wordOf(transaction.state)];
  const left = participants
    .filter(({ outcome }) => outcome === undefined)
    .map(({ service, error }) => (error ? `${service}: ${error}` : service));
  const waitsFor: Readonly<Record<string, string>> = {
    preparing: `the votes of ${left.join(', ')}, until ${expireTime}`,
    conflict: `an operator: correct the data, then rondo tx resolve ${id}`,
  };
  const answers = left.length > 0 ? `the answer of ${left.join('; ')}` : '';
  const parties = partiesOf(transaction, held);
  return { id, about: `${kind} ${subject}`, state, since, attempts, parties, waitsFor: waitsFor[state] ?? answers };
}

function sagaOf(saga: Json<Saga>): Unfinished {
  const { id = '', kind, subject, step = '', error, createTime: since = '', attempts = 0 } = saga;
  const state = wordOf(saga.state);
  const retry = state === 'parked' ? [`an operator: rondo tx resolve ${id} --retry`] : [];
  const waitsFor = [...retry, ...(error ? [error] : [])].join('; ');
  return {
    id,
    about: `${kind} ${subject}`,
    state: step === '' ? state : `${state} at ${step}`,
    since,
    attempts,
    parties: [],
    waitsFor,
  };
}
