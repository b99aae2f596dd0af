import { ErrorInfo, PreconditionFailure, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { invalidArgument, packDetail, RpcError, Status } from '@rondo/rpc/status';
import {
  AlreadyExists,
  ConcurrentChange,
  DomainError,
  InvalidRequest,
  Missing,
  NotPermitted,
  NotVisible,
  Refused,
  StaleEtag,
  Unavailable,
} from './domain/errors.js';
import { resourceErrors } from './errors.js';

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
    if (error instanceof NotVisible) return toRpcError(error.cause);
    if (!(error instanceof DomainError)) return error;
    if (error instanceof InvalidRequest) return invalidArgument(error.faults);
    return ownError(error) ?? statusOf(error, service);
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

/** The status of an error by its class. Its text is that of errors.ts, or the message of a service's own error. */
function statusOf(error: DomainError, domain: string): RpcError {
  const options = { details: detailsOf(error, domain), cause: error };
  if (error instanceof Missing)
    return resourceErrors.MISSING({ resourcesThatAreMissing: error.missing, remedy: error.remedy }, options);
  if (error instanceof NotPermitted)
    return resourceErrors.NOT_PERMITTED({ what: error.what, scope: error.scope }, options);
  if (error instanceof StaleEtag)
    return resourceErrors.STALE_ETAG({ resource: error.resource, whyStale: error.why }, options);
  if (error instanceof ConcurrentChange) return resourceErrors.OTHERS_WON(options);
  return new RpcError(codeOf(error), error.message, options);
}

function codeOf(error: DomainError): Status {
  if (error instanceof AlreadyExists) return Status.ALREADY_EXISTS;
  if (error instanceof Refused) return Status.FAILED_PRECONDITION;
  return error instanceof Unavailable ? Status.UNAVAILABLE : Status.INTERNAL;
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
