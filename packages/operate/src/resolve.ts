import {
  BranchOutcome,
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
  SagaState,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { operateErrors } from './errors.js';
import type { Reach } from './gather.js';
import { withInstance } from './instance.js';
import type { InDoubt, KnownSaga, KnownTransaction, Unfinished } from './transactions.js';

/** How an operator wants a transaction to end. */
export type Wanted = 'commit' | 'abort';

/** How a transaction was ended. */
export interface Resolved {
  readonly id: string;
  readonly outcome: 'COMMITTED' | 'ABORTED';
  /** Whether participants were ended against or without their coordinator's decision (a heuristic decision). */
  readonly heuristic: boolean;
  /** The participants that were ended directly, with the outcome of each. */
  readonly participants: readonly { readonly participant: string; readonly outcome: string }[];
}

/** How to end a transaction. */
export interface ResolveOptions {
  readonly channel: Reach;
  readonly wanted: Wanted;
  /** End it even against its coordinator's decision, or if the decision can't be known. */
  readonly force: boolean;
  /** Is called with a line before each step. */
  readonly explain: (line: string) => Promise<void>;
  readonly signal: AbortSignal;
}

const CALL_TIMEOUT_MS = 5_000;
const OUTCOMES = {
  commit: BranchOutcome.BRANCH_OUTCOME_COMMITTED,
  abort: BranchOutcome.BRANCH_OUTCOME_ABORTED,
} as const;
const ENDED = { commit: 'COMMITTED', abort: 'ABORTED' } as const;

/**
 * The transaction or saga whose id begins with `begin`.
 *
 * @throws RpcError `NOT_FOUND` if there is none, `FAILED_PRECONDITION` if there are several.
 */
export function findUnfinished(begin: string, { transactions, sagas, unreachable }: Unfinished) {
  const idOf = (one: KnownTransaction | KnownSaga) => ('saga' in one ? one.saga.id : one.id);
  const found = [...transactions, ...sagas].filter((one) => idOf(one).startsWith(begin));
  const only = found.length === 1 ? found[0] : found.find((one) => idOf(one) === begin);
  if (only !== undefined) return only;
  if (found.length > 0) throw operateErrors.SEVERAL_UNFINISHED({ count: found.length, begin });
  const away = unreachable.map(({ instanceId }) => instanceId).join(', ');
  throw operateErrors.NOTHING_UNFINISHED({ begin, away: away === '' ? '' : `; ${away} couldn't be asked` });
}

/**
 * Ends a transaction by its coordinator. If the coordinator refuses, `force` ends it at the participants.
 *
 * @param coordinator an instance of the coordinator; undefined if none could be asked.
 * @throws RpcError `FAILED_PRECONDITION` if the outcome would, or might, contradict the decision.
 */
export async function resolveTransaction(
  transaction: KnownTransaction,
  coordinator: string | undefined,
  options: ResolveOptions,
): Promise<Resolved> {
  const { id } = transaction;
  const { wanted, force } = options;
  const answer = await askCoordinator(transaction, coordinator, options);
  if (answer.kind === 'refused' && !force) throw operateErrors.NEEDS_FORCE({ reason: answer.reason });
  const heuristic = answer.kind !== 'agreed';
  // A coordinator that has the transaction in its log notifies the participants itself.
  const left = answer.kind === 'agreed' && transaction.logged !== undefined ? [] : transaction.inDoubt;
  if (heuristic && left.length === 0) throw operateErrors.NOTHING_IN_DOUBT({ id });
  if (left.length > 0) {
    const at = left.map(({ participant }) => participant).join(', ');
    const conflict = 'should its coordinator decide otherwise, it will report a conflict';
    await options.explain(`telling ${at} to ${wanted} transaction ${id}; ${conflict}`);
  }
  const participants = [];
  for (const branch of left) participants.push(await endBranch(branch, { transaction, heuristic }, options));
  return { id, outcome: ENDED[wanted], heuristic, participants };
}

type Answer = { readonly kind: 'agreed' | 'presumed' } | { readonly kind: 'refused'; readonly reason: string };

/** The coordinator's answer. `presumed`: it doesn't know the transaction, so it hasn't decided to commit (presumed abort). */
async function askCoordinator(
  { id, coordinator: name }: KnownTransaction,
  instanceId: string | undefined,
  { channel: reach, wanted, signal, explain }: ResolveOptions,
): Promise<Answer> {
  if (instanceId === undefined) {
    const reason = `its coordinator "${name}" can't be asked, and may have decided; when it runs, it finishes decided transactions`;
    return { kind: 'refused', reason };
  }
  await explain(`asking ${name}, by ${instanceId}, to ${wanted} transaction ${id}`);
  try {
    await withInstance({ channel: reach, instanceId, signal }, async (channel) => {
      const client = createClient(CoordinatorServiceDefinition, { channel });
      await client.resolveTransaction({ id, outcome: OUTCOMES[wanted] }, { signal, timeoutMs: CALL_TIMEOUT_MS });
    });
    return { kind: 'agreed' };
  } catch (error) {
    // An instance that has left meanwhile is no answer.
    if (!(error instanceof RpcError) || error.origin !== 'server') throw error;
    if (error.code === Status.FAILED_PRECONDITION) return { kind: 'refused', reason: error.message };
    if (error.code !== Status.NOT_FOUND) throw error;
    const reason = `its coordinator "${name}" knows nothing of it, so it hasn't decided to commit it`;
    return wanted === 'abort' ? { kind: 'presumed' } : { kind: 'refused', reason };
  }
}

async function endBranch(
  { participant, instanceId }: InDoubt,
  { transaction, heuristic }: { readonly transaction: KnownTransaction; readonly heuristic: boolean },
  { channel: reach, wanted, signal }: ResolveOptions,
) {
  const { coordinator, id } = transaction;
  const { outcome } = await withInstance({ channel: reach, instanceId, signal }, async (channel) => {
    const client = createClient(ParticipantServiceDefinition, { channel });
    return await client[wanted](
      { transaction: { coordinator, id }, heuristic },
      { signal, timeoutMs: CALL_TIMEOUT_MS },
    );
  });
  return { participant, outcome: BranchOutcome[outcome]?.replace('BRANCH_OUTCOME_', '') ?? 'UNKNOWN' };
}

/** Lets a saga go on with its step. @throws RpcError `FAILED_PRECONDITION` if the instance has no such steps. */
export async function retrySaga(
  { saga: { id }, instanceId }: KnownSaga,
  { channel: reach, signal }: Pick<ResolveOptions, 'channel' | 'signal'>,
): Promise<void> {
  const { state, error: reason } = await withInstance({ channel: reach, instanceId, signal }, (channel) =>
    createClient(CoordinatorServiceDefinition, { channel }).retrySaga({ id }, { signal }),
  );
  if (state === SagaState.SAGA_STATE_PARKED) throw operateErrors.SAGA_PARKED({ instanceId, id, reason });
}
