import { BranchOutcome, CoordinatorServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type Channel, createClient } from '@rondo/rpc/client';
import type { RpcError } from '@rondo/rpc/status';
import { type Caller, type MayServe, servesAll } from '../callers.js';
import type { Decision } from '../coordinator/log.js';
import { participantErrors } from '../errors.js';
import { type CheckedRef, checkName } from '../transaction-ref.js';

/** The coordinators in whose transactions a participant takes part. */
export interface KnownCoordinators {
  /** Whether it knows a coordinator of that name. */
  knows(name: string): boolean;
  /** Whether the caller may be the coordinator of that name: its certificate is for the coordinator's service. */
  mayBe(call: Caller, name: string): boolean;
  /** The known names, for error messages. */
  readonly names: readonly string[];
  /**
   * The coordinator's decision on this participant's part; undefined while it is undecided, `unknown` if the coordinator's log was
   * restored to a time before the transaction.
   *
   * @throws RpcError if the coordinator can't be asked.
   */
  inquire(transaction: CheckedRef, signal: AbortSignal): Promise<Decision | 'unknown' | undefined>;
}

/** How a participant asks coordinators. */
export interface KnownCoordinatorsOptions {
  /** Calls the coordinators. */
  readonly channel: Channel;
  /** Fully qualified service whose instances serve the coordinator, by the coordinator's name. */
  readonly coordinators: Readonly<Record<string, string>>;
  /** The fully qualified services that address this participant. */
  readonly services: readonly string[];
  /** Tells which process is the coordinator's, by its certificate. Every process by default. */
  readonly mayServe?: MayServe | undefined;
}

/** Timeout of one try, in milliseconds. The participant asks again later. */
const INQUIRY_TIMEOUT_MS = 1_000;

/**
 * Coordinators that are asked through their contract.
 *
 * @throws TypeError for an invalid name.
 */
export function createKnownCoordinators({
  channel,
  coordinators,
  services,
  mayServe = () => true,
}: KnownCoordinatorsOptions): KnownCoordinators {
  const clients = new Map(
    Object.entries(coordinators).map(([name, service]) => [
      checkName('coordinator', name),
      createClient(CoordinatorServiceDefinition, { channel, at: service }),
    ]),
  );
  const names = [...clients.keys()];
  return {
    names,
    knows: (name) => clients.has(name),
    mayBe: (call, name) => servesAll(call, [coordinators[name] ?? ''], mayServe),
    async inquire(transaction, signal) {
      const client = clients.get(transaction.coordinator);
      if (client === undefined) throw unknownCoordinator(transaction, names);
      const request = { transaction: { ...transaction }, services: [...services] };
      return DECIDED[(await client.inquireTransaction(request, { signal, timeoutMs: INQUIRY_TIMEOUT_MS })).outcome];
    },
  };
}

const DECIDED: Partial<Record<BranchOutcome, Decision | 'unknown'>> = {
  [BranchOutcome.BRANCH_OUTCOME_UNKNOWN]: 'unknown',
  [BranchOutcome.BRANCH_OUTCOME_COMMITTED]: 'committed',
  [BranchOutcome.BRANCH_OUTCOME_ABORTED]: 'aborted',
};

/** `PERMISSION_DENIED`, because neither a later state nor another request of that coordinator can succeed. */
export function unknownCoordinator({ coordinator }: CheckedRef, names: readonly string[]): RpcError {
  return participantErrors.UNKNOWN_COORDINATOR({ known: names.join(', ') || 'none', coordinator });
}
