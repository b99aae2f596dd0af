import { BranchOutcome, CoordinatorServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type Channel, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Decision } from '../coordinator/log.js';
import { type CheckedRef, checkName } from '../transaction-ref.js';

/** The coordinators in whose transactions a participant takes part. */
export interface KnownCoordinators {
  /** Whether a coordinator of that name is one of them. */
  knows(name: string): boolean;
  /** Their names, for messages. */
  readonly names: readonly string[];
  /**
   * What a coordinator has decided of this participant's part in a transaction; undefined while that is undecided.
   *
   * @throws RpcError where it can't be asked.
   */
  inquire(transaction: CheckedRef, signal: AbortSignal): Promise<Decision | undefined>;
}

/** How they are asked. */
export interface KnownCoordinatorsOptions {
  /** Reaches them. */
  readonly channel: Channel;
  /** By the name of each, the fully qualified service by whose instances it is served. */
  readonly coordinators: Readonly<Record<string, string>>;
  /** The fully qualified services by which coordinators address this participant. */
  readonly services: readonly string[];
}

/** One try; a coordinator that doesn't answer is asked again. Milliseconds. */
const INQUIRY_TIMEOUT_MS = 1_000;

/** Coordinators that are asked over their contract. @throws TypeError for a name that can't be one. */
export function knownCoordinators({ channel, coordinators, services }: KnownCoordinatorsOptions): KnownCoordinators {
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
    async inquire(transaction, signal) {
      const client = clients.get(transaction.coordinator);
      if (client === undefined) throw unknownCoordinator(transaction, names);
      const request = { transaction: { ...transaction }, services: [...services] };
      return DECIDED[(await client.inquireTransaction(request, { signal, timeoutMs: INQUIRY_TIMEOUT_MS })).outcome];
    },
  };
}

const DECIDED: Partial<Record<BranchOutcome, Decision>> = {
  [BranchOutcome.BRANCH_OUTCOME_COMMITTED]: 'committed',
  [BranchOutcome.BRANCH_OUTCOME_ABORTED]: 'aborted',
};

/** `PERMISSION_DENIED`: no state that could change makes it right, and no other request of that coordinator. */
export function unknownCoordinator({ coordinator }: CheckedRef, names: readonly string[]): RpcError {
  const known = names.join(', ') || 'none';
  return new RpcError(
    Status.PERMISSION_DENIED,
    `transaction.coordinator: must be one that this participant knows (${known}); it is "${coordinator}". ` +
      'Name it in the configuration of the participant',
  );
}
