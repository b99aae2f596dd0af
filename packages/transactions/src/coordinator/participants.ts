import type { Any } from '@rondo/contracts/google/protobuf/any';
import { BranchOutcome, ParticipantServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import type { CheckedRef } from '../transaction-ref.js';
import type { Confirmation, Decision } from './log.js';
import type { ServiceDefinition } from '@rondo/rpc/contract';
import { type NamedMessageType, pack, unpack } from '../participant/operation.js';

/** The participants of a coordinator, as it calls them. */
export interface Participants {
  /** @throws RpcError with the participant's own status where it votes no. */
  prepare(
    service: string,
    branch: { readonly transaction: CheckedRef; readonly operation: Any },
    options: PrepareOptions,
  ): Promise<Any | undefined>;
  /** Tells the decision; resolves to what the participant confirms. */
  sendDecision(service: string, transaction: CheckedRef, decision: Decision): Promise<Confirmation>;
}

/** Bounds of asking. */
interface PrepareOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One try; what doesn't answer is told again. Milliseconds. */
const DECISION_TIMEOUT_MS = 1_000;
/** These say nothing of the request: they are the network's and the process's, or hide a fault of the participant. */
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

/** The participants that a channel reaches. */
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

/** A participant's no is the coordinator's own answer, and reaches its caller as it is; a failed call is another's. */
function asVote(error: unknown): unknown {
  if (!(error instanceof RpcError) || NO_ANSWER.has(error.code)) return error;
  return new RpcError(error.code, error.message, { details: error.details, cause: error });
}

/** What one participant is to do; made by {@link part}. */
export interface Part<Result> {
  /** The fully qualified service by whose instances the participant is served. */
  readonly service: string;
  readonly operation: Any;
  /** Reads what came of it. */
  readResult(result: Any | undefined): Result;
}

/** The results of parts, in their order. */
export type ResultsOf<Parts extends readonly Part<unknown>[]> = {
  readonly [K in keyof Parts]: Parts[K] extends Part<infer Result> ? Result : never;
};

/** The types of an operation's messages. */
export interface OperationTypes<Request, Result> {
  readonly request: NamedMessageType<Request>;
  readonly result: NamedMessageType<Result>;
}

/** What the participant beside `service` is to do: the operation that it has for the type of the request. */
export function part<Request, Result>(
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
