import type { Any } from '@rondo/contracts/google/protobuf/any';
import { BranchOutcome, ParticipantServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import type { ServiceDefinition } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { type NamedMessageType, pack, unpack } from '../participant/operation.js';
import type { CheckedRef } from '../transaction-ref.js';
import type { Confirmation, Decision } from './log.js';

/** A coordinator's calls to its participants. */
export interface Participants {
  /** @throws RpcError with the participant's own status if it refuses. */
  prepare(
    service: string,
    branch: { readonly transaction: CheckedRef; readonly operation: Any },
    options: PrepareOptions,
  ): Promise<Any | undefined>;
  /** Sends the decision; resolves to what the participant confirms. */
  sendDecision(service: string, transaction: CheckedRef, decision: Decision): Promise<Confirmation>;
}

/** Limits of a Prepare. */
interface PrepareOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Timeout of one try, in milliseconds. The decision is sent again later. */
const DECISION_TIMEOUT_MS = 1_000;
/**
 * Statuses that say nothing about the request: they come from the network or the process, or hide a fault of the
 * participant.
 */
const NO_ANSWER: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.CANCELLED,
  Status.UNKNOWN,
  Status.INTERNAL,
  Status.UNIMPLEMENTED,
  Status.UNAUTHENTICATED,
  Status.PERMISSION_DENIED,
]);

/** Participants that a channel reaches. */
export function createParticipants(channel: Channel): Participants {
  const clients = new Map<string, Client<typeof ParticipantServiceDefinition>>();
  const at = (service: string) => {
    const known = clients.get(service) ?? createClient(ParticipantServiceDefinition, { channel, at: service });
    clients.set(service, known);
    return known;
  };
  return {
    async prepare(service, branch, { timeoutMs, signal }) {
      const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
      try {
        return (await at(service).prepare(branch, options)).result;
      } catch (error) {
        throw asVote(error);
      }
    },
    async sendDecision(service, transaction, decision) {
      const client = at(service);
      const tell = decision === 'committed' ? client.commit : client.abort;
      const { outcome } = await tell({ transaction: { ...transaction } }, { timeoutMs: DECISION_TIMEOUT_MS });
      return CONFIRMED[outcome] ?? 'unknown';
    },
  };
}

const CONFIRMED: Partial<Record<BranchOutcome, Confirmation>> = {
  [BranchOutcome.BRANCH_OUTCOME_COMMITTED]: 'committed',
  [BranchOutcome.BRANCH_OUTCOME_ABORTED]: 'aborted',
};

/**
 * A participant's refusal is the coordinator's own reply, so it reaches the coordinator's caller unchanged. The error
 * of a failed call doesn't.
 */
function asVote(error: unknown): unknown {
  if (!(error instanceof RpcError) || NO_ANSWER.has(error.code)) return error;
  return new RpcError(error.code, error.message, { details: error.details, cause: error });
}

/** The part of one participant in a transaction; {@link participant} creates it. */
export interface Part<Result> {
  /** The fully qualified service whose instances serve the participant. */
  readonly service: string;
  readonly operation: Any;
  /** Decodes the participant's result. */
  readResult(result: Any | undefined): Result;
}

/** The results of parts, in their order. */
export type ResultsOf<Parts extends readonly Part<unknown>[]> = {
  readonly [K in keyof Parts]: Parts[K] extends Part<infer Result> ? Result : never;
};

/** The message types of an operation. */
export interface OperationTypes<Request, Result> {
  readonly request: NamedMessageType<Request>;
  readonly result: NamedMessageType<Result>;
}

/** The part of the participant that `service` addresses: its operation for this request type. */
export function participant<Request, Result>(
  service: Pick<ServiceDefinition, 'fullName'>,
  { request, result }: OperationTypes<Request, Result>,
  message: Partial<Request>,
): Part<Result> {
  return {
    service: service.fullName,
    operation: pack(request, message),
    readResult: (any) => unpack(result, any, 'result'),
  };
}
