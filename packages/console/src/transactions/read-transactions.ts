import type { InstanceTransactions } from '@rondo/contracts/rondo/gateway/v1/console';
import type { InDoubtBranch, Saga, Transaction } from '@rondo/contracts/rondo/transactions/v1/transactions';
import type { EventOf } from '../calls/use-stream.js';
import type { Json } from '../page/json.js';
import type { Tone } from '../ui/parts.js';
import { type Silent, takeSilent } from '../ui/silent.js';

/** A transaction or a saga. */
export interface Work {
  readonly id: string;
  /** What it is about, such as `accept-quote quotes/7`. */
  readonly about: string;
  /** Such as `COMMITTING`, or the state of a saga and its step. */
  readonly state: string;
  readonly waitsFor: string;
  /** In RFC 3339; empty if it isn't known. */
  readonly since: string;
  readonly attempts: number;
  readonly parties: readonly Party[];
}

/** A participant of a transaction. */
export interface Party {
  readonly name: string;
  readonly tone: Tone;
  /** Such as `committed`, or that it holds locks. */
  readonly state: string;
}

/** A transaction or a saga, and what was seen of it. */
export interface Seen {
  readonly work: Work;
  /** Its states, as they were seen. */
  readonly steps: readonly { readonly unixMs: number; readonly state: string }[];
  readonly isOpen: boolean;
}

/** What instances have reported. */
export interface Transactions {
  readonly byInstance: ReadonlyMap<string, Json<InstanceTransactions>>;
  /** By id, those that are open and those that were. */
  readonly seen: ReadonlyMap<string, Seen>;
  readonly silent: Silent;
}

/** More of those that have ended aren't kept. */
const MAX_ENDED = 50;

/** Takes an event of `WatchTransactions`. */
export function takeTransactions(before: Transactions | undefined, event: EventOf<'watchTransactions'>): Transactions {
  const byInstance = new Map(before?.byInstance);
  for (const one of event.told ?? []) byInstance.set(one.instanceId ?? '', one);
  const open = openIn([...byInstance.values()]);
  const unixMs = Date.now();
  const seen = new Map<string, Seen>();
  for (const [id, work] of open) {
    const steps = before?.seen.get(id)?.steps ?? [];
    const isNew = steps.at(-1)?.state !== work.state;
    seen.set(id, { work, steps: isNew ? [...steps, { unixMs, state: work.state }] : steps, isOpen: true });
  }
  const ended = [...(before?.seen ?? [])].filter(([id]) => !open.has(id)).slice(-MAX_ENDED);
  for (const [id, { work, steps, isOpen }] of ended)
    seen.set(id, { work, steps: isOpen ? [...steps, { unixMs, state: 'ended' }] : steps, isOpen: false });
  return { byInstance, seen, silent: takeSilent(before?.silent, event) };
}

/** Replicas of a service tell the same: what has one id is one. A branch whose coordinator lists its transaction is that. */
function openIn(instances: readonly Json<InstanceTransactions>[]): ReadonlyMap<string, Work> {
  const holders = new Map<string, Map<string, Party>>();
  for (const { inDoubt = [], participant = '' } of instances)
    for (const { transaction } of inDoubt) {
      const id = transaction?.id ?? '';
      const parties = holders.get(id) ?? new Map<string, Party>();
      holders.set(
        id,
        parties.set(participant, { name: participant, tone: 'warn', state: 'prepared: holds its locks' }),
      );
    }
  const heldBy = (id: string) => [...(holders.get(id)?.values() ?? [])];
  const works = [
    ...instances.flatMap(({ inDoubt = [], participant = '' }) =>
      inDoubt.map((one) => branchOf(one, participant, heldBy)),
    ),
    ...instances.flatMap(({ transactions = [] }) => transactions.map((one) => transactionOf(one, heldBy))),
    ...instances.flatMap(({ sagas = [] }) => sagas.map(sagaOf)),
  ];
  return new Map(works.map((work) => [work.id, work]));
}

type HeldBy = (id: string) => readonly Party[];

const branchOf = (
  { transaction, prepareTime: since = '' }: Json<InDoubtBranch>,
  participant: string,
  heldBy: HeldBy,
): Work => ({
  id: transaction?.id ?? '',
  parties: heldBy(transaction?.id ?? ''),
  about: `a branch in ${participant}`,
  state: 'IN DOUBT',
  waitsFor: `the decision of ${transaction?.coordinator}, and holds its locks until then`,
  since,
  attempts: 0,
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

function transactionOf(transaction: Json<Transaction>, heldBy: HeldBy): Work {
  const { ref, kind, subject, participants = [], expireTime, createTime: since = '', attempts = 0 } = transaction;
  const [id, state] = [ref?.id ?? '', transaction.state?.replace('TRANSACTION_STATE_', '') ?? ''];
  const left = participants
    .filter(({ outcome }) => outcome === undefined)
    .map(({ service, error }) => (error ? `${service}: ${error}` : service));
  const waitsFor: Readonly<Record<string, string>> = {
    PREPARING: `the votes of ${left.join(', ')}, until ${expireTime}`,
    CONFLICT: `an operator: correct the data, then rondo tx resolve ${id}`,
  };
  const answers = left.length > 0 ? `the answer of ${left.join('; ')}` : '';
  const parties = partiesOf(transaction, heldBy(id));
  return { id, about: `${kind} ${subject}`, state, since, attempts, parties, waitsFor: waitsFor[state] ?? answers };
}

function sagaOf({
  id = '',
  kind,
  subject,
  step = '',
  error,
  createTime: since = '',
  attempts = 0,
  ...saga
}: Json<Saga>): Work {
  const state = saga.state?.replace('SAGA_STATE_', '') ?? '';
  const retry = state === 'PARKED' ? [`an operator: rondo tx resolve ${id} --retry`] : [];
  const waitsFor = [...retry, ...(error ? [error] : [])].join('; ');
  return { id, about: `${kind} ${subject}`, state: `${state} ${step}`, since, attempts, parties: [], waitsFor };
}
