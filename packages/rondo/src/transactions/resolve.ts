import { BranchOutcome } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { RpcError, Status } from '@rondo/rpc/status';
import type { InDoubt, KnownSaga, KnownTransaction, Peer, Unfinished } from './gather.js';

/** How an operator wants a transaction to end. */
export type Wanted = 'commit' | 'abort';

/** How a transaction was ended. */
export interface Resolved {
  readonly id: string;
  readonly outcome: 'COMMITTED' | 'ABORTED';
  /** Whether participants were ended against or without their coordinator's decision (a heuristic decision). */
  readonly heuristic: boolean;
  /** The participants that this command has ended, with the outcome of each. */
  readonly participants: readonly { readonly participant: string; readonly outcome: string }[];
}

/** How to end a transaction. */
export interface ResolveOptions {
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
  const found: (KnownTransaction | KnownSaga)[] = [
    ...transactions.filter(({ id }) => id.startsWith(begin)),
    ...sagas.filter(({ saga }) => saga.id.startsWith(begin)),
  ];
  const exact = found.find((one) => ('saga' in one ? one.saga.id : one.id) === begin);
  const [only, another] = found;
  if (exact !== undefined) return exact;
  if (another !== undefined) {
    throw new RpcError(Status.FAILED_PRECONDITION, `${found.length} ids begin with "${begin}"; rondo tx ls lists them`);
  }
  if (only !== undefined) return only;
  const away = unreachable.map(({ instanceId }) => instanceId).join(', ');
  const missing = away === '' ? '' : `; ${away} couldn't be asked`;
  throw new RpcError(Status.NOT_FOUND, `nothing unfinished has an id that begins with "${begin}"${missing}`);
}

/**
 * Ends a transaction by its coordinator. If the coordinator refuses, `force` ends it at the participants.
 *
 * @throws RpcError `FAILED_PRECONDITION` if the outcome would, or might, contradict the decision.
 */
export async function resolveTransaction(
  transaction: KnownTransaction,
  coordinator: Peer | undefined,
  options: ResolveOptions,
): Promise<Resolved> {
  const { id } = transaction;
  const { wanted, force } = options;
  const answer = await askCoordinator(transaction, coordinator, options);
  if (answer.kind === 'refused' && !force) throw needsForce(answer.reason);
  const heuristic = answer.kind !== 'agreed';
  // A coordinator that has the transaction in its log notifies the participants itself.
  const left = answer.kind === 'agreed' && transaction.logged !== undefined ? [] : transaction.inDoubt;
  if (heuristic && left.length === 0) throw nothingInDoubt(id);
  if (left.length > 0) await options.explain(describe(id, left, options));
  const participants = [];
  for (const branch of left) participants.push(await endBranch(branch, { transaction, heuristic }, options));
  return { id, outcome: ENDED[wanted], heuristic, participants };
}

type Answer = { readonly kind: 'agreed' | 'presumed' } | { readonly kind: 'refused'; readonly reason: string };

/** The coordinator's answer. `presumed`: it doesn't know the transaction, so it hasn't decided to commit (presumed abort). */
async function askCoordinator(
  { id, coordinator: name }: KnownTransaction,
  coordinator: Peer | undefined,
  { wanted, signal, explain }: ResolveOptions,
): Promise<Answer> {
  if (coordinator?.coordinator === undefined) {
    const reason = `its coordinator "${name}" can't be asked, and may have decided; when it runs, it finishes decided transactions`;
    return { kind: 'refused', reason };
  }
  await explain(`asking ${name}, by ${coordinator.instanceId}, to ${wanted} transaction ${id}`);
  try {
    const request = { id, outcome: OUTCOMES[wanted] };
    await coordinator.coordinator.resolveTransaction(request, { signal, timeoutMs: CALL_TIMEOUT_MS });
    return { kind: 'agreed' };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    if (error.code === Status.FAILED_PRECONDITION) return { kind: 'refused', reason: error.message };
    if (error.code !== Status.NOT_FOUND) throw error;
    const reason = `its coordinator "${name}" knows nothing of it, so it hasn't decided to commit it`;
    return wanted === 'abort' ? { kind: 'presumed' } : { kind: 'refused', reason };
  }
}

interface Ending {
  readonly transaction: KnownTransaction;
  readonly heuristic: boolean;
}

async function endBranch(
  { participant, peer }: InDoubt,
  { transaction: { coordinator, id }, heuristic }: Ending,
  { wanted, signal }: ResolveOptions,
) {
  const client = peer.participant;
  if (client === undefined) throw new TypeError(`${peer.instanceId} is not a participant`);
  const end = wanted === 'commit' ? client.commit : client.abort;
  const request = { transaction: { coordinator, id }, heuristic };
  const { outcome } = await end(request, { signal, timeoutMs: CALL_TIMEOUT_MS });
  return { participant, outcome: BranchOutcome[outcome]?.replace('BRANCH_OUTCOME_', '') ?? 'UNKNOWN' };
}

function describe(id: string, branches: readonly InDoubt[], { wanted }: ResolveOptions): string {
  const at = branches.map(({ participant }) => participant).join(', ');
  return `telling ${at} to ${wanted} transaction ${id}; should its coordinator decide otherwise, it will report a conflict`;
}

function nothingInDoubt(id: string): RpcError {
  const message = `no participant that could be asked is in doubt about ${id}: there is nothing to end`;
  return new RpcError(Status.FAILED_PRECONDITION, message);
}

function needsForce(reason: string): RpcError {
  const message = `${reason}. Nothing was done. To end it at the participants in doubt all the same: --force`;
  return new RpcError(Status.FAILED_PRECONDITION, message);
}
