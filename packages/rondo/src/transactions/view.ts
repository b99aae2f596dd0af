import { BranchOutcome, SagaState, TransactionState } from '@rondo/contracts/rondo/transactions/v1/transactions';
import type { Unfinished } from '@rondo/operate/internal';
import { formatTable } from '../terminal/table.js';
import { formatAge } from '../terminal/text.js';

type KnownTransaction = Unfinished['transactions'][number];
type KnownSaga = Unfinished['sagas'][number];

/** The name of an outcome; null if there is none yet. */
const outcomeOf = (outcome: BranchOutcome): string | null =>
  outcome === BranchOutcome.BRANCH_OUTCOME_UNSPECIFIED ? null : nameOf(BranchOutcome[outcome], 'BRANCH_OUTCOME_');

/** The state of a transaction; `UNKNOWN` if no coordinator that answered has it. */
export function stateOf({ logged }: KnownTransaction): string {
  return logged === undefined ? 'UNKNOWN' : nameOf(TransactionState[logged.state], 'TRANSACTION_STATE_');
}

/** Unfinished transactions and sagas for `--json`. */
export function viewUnfinished({ transactions, sagas, unreachable }: Unfinished) {
  return {
    transactions: transactions.map(viewTransaction),
    sagas: sagas.map(viewSaga),
    unreachable,
  };
}

function viewTransaction(transaction: KnownTransaction) {
  const { id, coordinator, logged, inDoubt } = transaction;
  return {
    id,
    coordinator,
    kind: logged?.kind ?? null,
    subject: logged?.subject ?? null,
    state: stateOf(transaction),
    decision: logged === undefined ? null : outcomeOf(logged.decision),
    attempts: logged?.attempts ?? null,
    createTime: logged?.createTime?.toISOString() ?? null,
    expireTime: logged?.expireTime?.toISOString() ?? null,
    participants: (logged?.participants ?? []).map(({ service, outcome, error }) => ({
      service,
      outcome: outcomeOf(outcome),
      error,
    })),
    inDoubt: inDoubt.map(({ participant, prepareTime }) => ({
      participant,
      prepareTime: prepareTime?.toISOString() ?? null,
    })),
  };
}

function viewSaga({ saga }: KnownSaga) {
  const { id, kind, subject, state, step, attempts, error, createTime } = saga;
  const named = nameOf(SagaState[state], 'SAGA_STATE_');
  return { id, kind, subject, state: named, step, attempts, error, createTime: createTime?.toISOString() ?? null };
}

/** Unfinished transactions and sagas for people. */
export function formatUnfinished({ transactions, sagas }: Unfinished, nowMs: number): string {
  if (transactions.length === 0 && sagas.length === 0) return 'nothing is unfinished\n';
  const parts = [];
  if (transactions.length > 0) parts.push(formatTable([TRANSACTIONS, ...transactions.map((one) => toRow(one, nowMs))]));
  if (sagas.length > 0) parts.push(formatTable([SAGAS, ...sagas.map((one) => toSagaRow(one, nowMs))]));
  return parts.join('\n');
}

const TRANSACTIONS = ['TRANSACTION', 'COORDINATOR', 'FOR', 'STATE', 'AGE', 'TRIES', 'IN DOUBT AT', 'WHY'];
const SAGAS = ['SAGA', 'FOR', 'STATE', 'AGE', 'TRIES', 'STEP', 'WHY'];

function toRow(transaction: KnownTransaction, nowMs: number): readonly string[] {
  const { id, coordinator, logged, inDoubt } = transaction;
  const subject = logged === undefined ? '-' : `${logged.kind} ${logged.subject}`.trim();
  const at = inDoubt.map(({ participant }) => participant).join(', ') || '-';
  const tries = logged === undefined ? '-' : `${logged.attempts}`;
  return [
    id,
    coordinator,
    subject,
    stateOf(transaction),
    formatAge(nowMs - transaction.sinceMs),
    tries,
    at,
    whyOf(transaction),
  ];
}

/** Why a transaction isn't finished, as far as its coordinator knows. */
function whyOf({ logged }: KnownTransaction): string {
  if (logged === undefined) return 'its coordinator has finished it, does not know it, or cannot be asked';
  const contrary = logged.participants.filter(
    ({ outcome }) => outcome !== BranchOutcome.BRANCH_OUTCOME_UNSPECIFIED && outcome !== logged.decision,
  );
  const told = contrary.map(({ service, outcome }) => `${service}: ${outcomeOf(outcome)}`);
  const untold = logged.participants.flatMap(({ service, error }) => (error === '' ? [] : [`${service}: ${error}`]));
  return [...told, ...untold].join('; ') || '-';
}

function toSagaRow({ saga }: KnownSaga, nowMs: number): readonly string[] {
  const { id, kind, subject, state, step, attempts, error, createTime } = saga;
  return [
    id,
    `${kind} ${subject}`.trim(),
    nameOf(SagaState[state], 'SAGA_STATE_'),
    createTime === undefined ? '-' : formatAge(nowMs - createTime.getTime()),
    `${attempts}`,
    step || '-',
    error || '-',
  ];
}

function nameOf(name: string | undefined, prefix: string): string {
  return name?.startsWith(prefix) ? name.slice(prefix.length) : 'UNKNOWN';
}
