import {
  BranchOutcome,
  CoordinatorServiceDefinition,
  SagaState,
  TransactionState,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { mayOperate } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { type Caller, type MayServe, refuseCaller, servesAll } from './callers.js';
import type { Coordinator } from './coordinator/coordinator.js';
import type { Confirmation, Decision, LogEntry } from './coordinator/log.js';
import { transactionErrors } from './errors.js';
import type { Sagas } from './saga/sagas.js';
import type { SagaEntry } from './saga/store.js';
import { readRef } from './transaction-ref.js';

/** The coordinator and the sagas that the service exposes. */
export interface OperatorServiceOptions {
  readonly coordinator?: Coordinator;
  readonly sagas?: Sagas;
  /** Tells which process a participant's is, by its certificate. Every process by default. */
  readonly mayServe?: MayServe | undefined;
}

/**
 * Creates the service by which participants inquire about decisions, and by which `rondo tx` shows and resolves
 * unfinished transactions and sagas.
 */
export function createOperatorService({
  coordinator,
  sagas,
  mayServe = () => true,
}: OperatorServiceOptions): ServiceImplementation {
  return implement(CoordinatorServiceDefinition, {
    listTransactions: async (_request, call) => {
      requireOperator(call);
      const entries = (await coordinator?.list(call.signal)) ?? [];
      return { transactions: entries.map(toTransaction), coordinator: coordinator?.name ?? '' };
    },
    inquireTransaction: async ({ transaction, services }, call) => {
      const { signal } = call;
      if (!mayOperate(call) && !servesAll(call, services, mayServe)) {
        throw refuseCaller(call, 'the participant may, if it serves each service that the request names');
      }
      if (coordinator === undefined) throw transactionErrors.NONE_HERE({ transactionsOrSagas: 'transactions' });
      return { outcome: OUTCOMES[await coordinator.inquire({ transaction: readRef(transaction), services }, signal)] };
    },
    resolveTransaction: async ({ id, outcome }, call) => {
      requireOperator(call);
      const { signal } = call;
      if (coordinator === undefined) throw transactionErrors.NONE_HERE({ transactionsOrSagas: 'transactions' });
      return toTransaction(await coordinator.resolve(id, toDecision(outcome), signal));
    },
    listSagas: async (_request, call) => {
      requireOperator(call);
      return { sagas: ((await sagas?.list(call.signal)) ?? []).map(toSaga) };
    },
    retrySaga: async ({ id }, call) => {
      requireOperator(call);
      const { signal } = call;
      if (sagas === undefined) throw transactionErrors.NONE_HERE({ transactionsOrSagas: 'sagas' });
      return toSaga(await sagas.retry(id, signal));
    },
  });
}

function requireOperator(call: Caller): void {
  if (!mayOperate(call)) throw refuseCaller(call, 'people and operators may');
}

const STATES: Record<LogEntry['state'], TransactionState> = {
  preparing: TransactionState.TRANSACTION_STATE_PREPARING,
  committing: TransactionState.TRANSACTION_STATE_COMMITTING,
  aborting: TransactionState.TRANSACTION_STATE_ABORTING,
  committed: TransactionState.TRANSACTION_STATE_COMMITTED,
  aborted: TransactionState.TRANSACTION_STATE_ABORTED,
  conflict: TransactionState.TRANSACTION_STATE_CONFLICT,
};

const OUTCOMES: Record<Confirmation, BranchOutcome> = {
  '': BranchOutcome.BRANCH_OUTCOME_UNSPECIFIED,
  committed: BranchOutcome.BRANCH_OUTCOME_COMMITTED,
  aborted: BranchOutcome.BRANCH_OUTCOME_ABORTED,
  unknown: BranchOutcome.BRANCH_OUTCOME_UNKNOWN,
};

function toTransaction({ id, coordinator, state, decision, participants, ...rest }: LogEntry) {
  const { kind, subject, attempts, createTime, expireTime } = rest;
  return {
    ref: { coordinator, id },
    kind,
    subject,
    state: STATES[state],
    participants: participants.map(({ service, outcome, error }) => ({ service, outcome: OUTCOMES[outcome], error })),
    createTime,
    expireTime,
    attempts,
    decision: OUTCOMES[decision ?? ''],
  };
}

function toDecision(outcome: BranchOutcome): Decision {
  if (outcome === BranchOutcome.BRANCH_OUTCOME_COMMITTED) return 'committed';
  if (outcome === BranchOutcome.BRANCH_OUTCOME_ABORTED) return 'aborted';
  throw transactionErrors.INVALID_OUTCOME();
}

const SAGA_STATES: Record<SagaEntry['state'], SagaState> = {
  running: SagaState.SAGA_STATE_RUNNING,
  compensating: SagaState.SAGA_STATE_COMPENSATING,
  done: SagaState.SAGA_STATE_DONE,
  compensated: SagaState.SAGA_STATE_COMPENSATED,
};

function toSaga({ id, kind, subject, state, parked, stepName, attempts, error, createTime }: SagaEntry) {
  const shown = parked ? SagaState.SAGA_STATE_PARKED : SAGA_STATES[state];
  return { id, kind, subject, state: shown, step: stepName, attempts, error, createTime };
}
