import {
  BranchOutcome,
  SagaState,
  type Transaction,
  TransactionState,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { enumName, type Unfinished } from '@rondo/operate/internal';
import { formatTable } from '../terminal/table.js';
import { ageOf, formatAge } from '../terminal/text.js';

type KnownTransaction = Unfinished['transactions'][number];
type KnownSaga = Unfinished['sagas'][number];

/** The name of an outcome; null if there is none yet. */
const outcomeOf = (outcome: BranchOutcome): string | null =>
  outcome === BranchOutcome.BRANCH_OUTCOME_UNSPECIFIED
    ? null
    : enumName(BranchOutcome[outcome], 'BRANCH_OUTCOME_', outcome);

/** The state of a transaction; `UNKNOWN` if no coordinator that answered has it. */
const stateOf = ({ logged }: KnownTransaction): string =>
  logged === undefined ? 'UNKNOWN' : enumName(TransactionState[logged.state], 'TRANSACTION_STATE_', logged.state);

const sagaState = (state: SagaState): string => enumName(SagaState[state], 'SAGA_STATE_', state);

/** Unfinished transactions and sagas for `--json`. */
export const viewUnfinished = ({ transactions, sagas, unreachable }: Unfinished) => ({
  transactions: transactions.map(viewTransaction),
  sagas: sagas.map(viewSaga),
  unreachable,
});

function viewTransaction(transaction: KnownTransaction) {
  const { id, coordinator, logged, inDoubt } = transaction;
  const known: Partial<Transaction> = logged ?? {};
  const { kind = null, subject = null, attempts = null, createTime = null, expireTime = null } = known;
  return {
    id,
    coordinator,
    kind,
    subject,
    state: stateOf(transaction),
    decision: logged === undefined ? null : outcomeOf(logged.decision),
    attempts,
    createTime,
    expireTime,
    participants: (logged?.participants ?? []).map(({ service, outcome, error }) => {
      return { service, outcome: outcomeOf(outcome), error };
    }),
    inDoubt: inDoubt.map(({ participant, prepareTime = null }) => ({ participant, prepareTime })),
  };
}

function viewSaga({ saga }: KnownSaga) {
  const { id, kind, subject, state, step, attempts, error, createTime = null } = saga;
  return { id, kind, subject, state: sagaState(state), step, attempts, error, createTime };
}

const TRANSACTIONS = ['TRANSACTION', 'COORDINATOR', 'FOR', 'STATE', 'AGE', 'TRIES', 'IN DOUBT AT', 'WHY'];
const SAGAS = ['SAGA', 'FOR', 'STATE', 'AGE', 'TRIES', 'STEP', 'WHY'];

/** Unfinished transactions and sagas for people. */
export function formatUnfinished({ transactions, sagas }: Unfinished, nowMs: number): string {
  const rows = transactions.map((transaction) => {
    const { id, coordinator, logged, inDoubt, sinceMs } = transaction;
    const subject = logged === undefined ? '-' : `${logged.kind} ${logged.subject}`.trim();
    const at = inDoubt.map(({ participant }) => participant).join(', ') || '-';
    return [
      ...[id, coordinator, subject, stateOf(transaction), formatAge(nowMs - sinceMs), logged?.attempts ?? '-', at],
      whyOf(transaction),
    ];
  });
  const sagaRows = sagas.map(({ saga }) => {
    const { id, kind, subject, state, step, attempts, error, createTime } = saga;
    const named = [`${kind} ${subject}`.trim(), sagaState(state)];
    return [id, ...named, ageOf(createTime, nowMs), attempts, step || '-', error || '-'];
  });
  const parts = [];
  if (rows.length > 0) parts.push(formatTable([TRANSACTIONS, ...rows]));
  if (sagaRows.length > 0) parts.push(formatTable([SAGAS, ...sagaRows]));
  return parts.join('\n') || 'nothing is unfinished\n';
}

/** Why a transaction isn't finished, as far as its coordinator knows. */
function whyOf({ logged }: KnownTransaction): string {
  if (logged === undefined) return 'its coordinator has finished it, does not know it, or cannot be asked';
  const reasons = logged.participants.flatMap(({ service, outcome, error }) => [
    ...(outcomeOf(outcome) === null || outcome === logged.decision ? [] : [`${service}: ${outcomeOf(outcome)}`]),
    ...(error === '' ? [] : [`${service}: ${error}`]),
  ]);
  return reasons.join('; ') || '-';
}
