import { ErrorInfo, PreconditionFailure, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { type FieldViolation, invalidArgument, packDetail, RpcError, Status } from '@rondo/rpc/status';
import {
  ConcurrentChange,
  Deleted,
  DeliveryRefused,
  DomainError,
  describeShortage,
  EmailTaken,
  type ForeignLine,
  ForeignResumeToken,
  InsufficientStock,
  MixedCurrencies,
  NotFound,
  OrderBeforeQuote,
  OutcomeUnknown,
  QuoteAccepting,
  RequestIdReused,
  SkuTaken,
  StaleEtag,
  StockLimitExceeded,
  TotalOutOfRange,
  Unavailable,
  WatcherTooSlow,
  WatchInterrupted,
  WrongQuoteState,
} from '../domain/errors.js';
import { nameOf } from '../domain/names.js';

/** Awaits `work` and turns its domain errors into the statuses of the contract. */
export async function withRpcErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toRpcError(error);
  }
}

/** The status of a domain error. Returns any other error as it is. */
export function toRpcError(error: unknown): unknown {
  if (!(error instanceof DomainError)) return error;
  if (error instanceof MixedCurrencies) return invalidArgument(error.lines.map((line) => foreignLine(line, error)));
  if (error instanceof ForeignResumeToken)
    return invalidArgument([{ field: 'resume_token', description: error.message }]);
  if (error instanceof OrderBeforeQuote) return invalidArgument([{ field: 'order_date', description: error.message }]);
  return new RpcError(codeOf(error), error.message, { details: detailsOf(error), cause: error });
}

function codeOf(error: DomainError): Status {
  if (error instanceof NotFound || error instanceof Deleted) return Status.NOT_FOUND;
  if (isTaken(error)) return Status.ALREADY_EXISTS;
  if (isRefused(error) || error instanceof DeliveryRefused) return Status.FAILED_PRECONDITION;
  if (error instanceof TotalOutOfRange) return Status.OUT_OF_RANGE;
  if ([ConcurrentChange, StaleEtag, WatcherTooSlow].some((kind) => error instanceof kind)) return Status.ABORTED;
  if (isTransient(error)) return Status.UNAVAILABLE;
  return Status.INTERNAL;
}

function isTransient(error: DomainError): boolean {
  return [Unavailable, OutcomeUnknown, WatchInterrupted].some((kind) => error instanceof kind);
}

function isTaken(error: DomainError): boolean {
  return error instanceof EmailTaken || error instanceof SkuTaken || error instanceof RequestIdReused;
}

/** Whether the state of a resource forbids the call. */
function isRefused(
  error: DomainError,
): error is InsufficientStock | StockLimitExceeded | WrongQuoteState | QuoteAccepting {
  const refused = [InsufficientStock, StockLimitExceeded, WrongQuoteState, QuoteAccepting];
  return refused.some((kind) => error instanceof kind);
}

function detailsOf(error: DomainError) {
  // Project management's details, such as how much time is missing, are passed on to the caller.
  if (error instanceof DeliveryRefused) return error.cause instanceof RpcError ? error.cause.details : [];
  if (error instanceof NotFound || error instanceof Deleted) {
    const description = `${error instanceof Deleted ? 'is deleted' : "doesn't exist"}; ${error.remedy}`;
    return error.resources.map((resourceName) => packDetail(ResourceInfo, { resourceName, description }));
  }
  if (error instanceof StaleEtag) {
    const metadata = { resource: error.resource, changed: error.changed.join(',') };
    return [packDetail(ErrorInfo, { reason: 'STALE_ETAG', domain: 'sales', metadata })];
  }
  return isRefused(error) ? [packDetail(PreconditionFailure, { violations: violationsOf(error) })] : [];
}

function violationsOf(error: InsufficientStock | StockLimitExceeded | WrongQuoteState | QuoteAccepting) {
  if (error instanceof InsufficientStock) {
    return error.shortages.map((shortage) => ({
      type: 'STOCK',
      subject: nameOf('product', shortage.productId),
      description: describeShortage(shortage),
    }));
  }
  if (error instanceof StockLimitExceeded) {
    return [{ type: 'STOCK', subject: nameOf('product', error.productId), description: error.message }];
  }
  return [{ type: 'STATE', subject: error.resource, description: error.message }];
}

function foreignLine({ index, productId, currency }: ForeignLine, { of, expected }: MixedCurrencies): FieldViolation {
  const product = nameOf('product', productId);
  return {
    field: `${of}.lines[${index}].product`,
    description: `${product} is sold in ${currency}, the first line in ${expected}; make one ${of} per currency`,
  };
}
