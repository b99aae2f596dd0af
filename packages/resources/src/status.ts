import { ErrorInfo, PreconditionFailure, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { invalidArgument, packDetail, RpcError, Status } from '@rondo/rpc/status';
import {
  AlreadyExists,
  ConcurrentChange,
  DomainError,
  InvalidRequest,
  Missing,
  NotPermitted,
  OutOfSight,
  Overloaded,
  Refused,
  StaleEtag,
  Unavailable,
  WatcherTooSlow,
} from './domain/errors.js';

/** Turns the domain errors of one service into gRPC statuses. */
export interface StatusMapping {
  /** The status of a domain error, with its details. Returns any other error as it is. */
  toRpcError(error: unknown): unknown;
  /** Awaits `work` and turns its domain errors into statuses. */
  withRpcErrors<T>(work: Promise<T>): Promise<T>;
  /** The replies of a stream, and statuses for its domain errors. */
  streamWithRpcErrors<Event, Reply>(
    events: AsyncIterable<Event>,
    toReply: (event: Event) => Reply,
  ): AsyncGenerator<Reply, void, undefined>;
}

/**
 * The mapping of a service's domain errors to gRPC statuses: by the kind of the error, `INTERNAL` for an error of no
 * kind.
 *
 * @param service the domain of each `ErrorInfo`.
 * @param ownError the status of an error of the service that the kinds don't fit; undefined for the others.
 */
export function createStatusMapping(
  service: string,
  ownError: (error: DomainError) => RpcError | undefined = () => undefined,
): StatusMapping {
  const toRpcError = (error: unknown): unknown => {
    if (error instanceof OutOfSight) return toRpcError(error.cause);
    if (!(error instanceof DomainError)) return error;
    // @rewraps the faults of an InvalidRequest.
    if (error instanceof InvalidRequest) return invalidArgument(error.faults);
    const own = ownError(error);
    if (own !== undefined) return own;
    // @rewraps a domain error; domain/errors.ts has those of this package.
    return new RpcError(codeOf(error), error.message, { details: detailsOf(error, service), cause: error });
  };
  return {
    toRpcError,
    async withRpcErrors(work) {
      try {
        return await work;
      } catch (error) {
        throw toRpcError(error);
      }
    },
    async *streamWithRpcErrors(events, toReply) {
      try {
        for await (const event of events) yield toReply(event);
      } catch (error) {
        throw toRpcError(error);
      }
    },
  };
}

const CODES = [
  [Missing, Status.NOT_FOUND],
  [NotPermitted, Status.PERMISSION_DENIED],
  [AlreadyExists, Status.ALREADY_EXISTS],
  [Refused, Status.FAILED_PRECONDITION],
  [StaleEtag, Status.ABORTED],
  [ConcurrentChange, Status.ABORTED],
  [WatcherTooSlow, Status.ABORTED],
  [Overloaded, Status.RESOURCE_EXHAUSTED],
  [Unavailable, Status.UNAVAILABLE],
] as const;

function codeOf(error: DomainError): Status {
  return CODES.find(([kind]) => error instanceof kind)?.[1] ?? Status.INTERNAL;
}

function detailsOf(error: DomainError, domain: string) {
  if (error instanceof Missing) {
    const { resources, description } = error;
    return resources.map((resourceName) => packDetail(ResourceInfo, { resourceName, description }));
  }
  if (error instanceof Refused) return [packDetail(PreconditionFailure, { violations: [...error.violations] })];
  if (error instanceof NotPermitted) {
    const metadata = { resource: error.resource, scope: error.scope };
    return [packDetail(ErrorInfo, { reason: 'NOT_PERMITTED', domain, metadata })];
  }
  if (error instanceof StaleEtag) {
    const metadata = { resource: error.resource, changed: error.changed.join(',') };
    return [packDetail(ErrorInfo, { reason: 'STALE_ETAG', domain, metadata })];
  }
  return [];
}
