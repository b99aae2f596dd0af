import { PreconditionFailure, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { type FieldViolation, invalidArgument, packDetail, RpcError, Status } from '@rondo/rpc/status';
import {
  AcceptancePending,
  ConcurrentChange,
  DomainError,
  describeShortage,
  EmailTaken,
  type ForeignLine,
  InsufficientStock,
  MixedCurrencies,
  NotFound,
  RequestIdReused,
  SkuTaken,
  StockLimitExceeded,
  TotalOutOfRange,
  Unavailable,
} from '../domain/errors.js';
import { nameOf } from '../domain/names.js';

/** `work`, its failures as the statuses that the contract gives them. */
export async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toStatus(error);
  }
}

/** The status of a domain error; anything else as it is. */
export function toStatus(error: unknown): unknown {
  if (!(error instanceof DomainError)) return error;
  if (error instanceof MixedCurrencies)
    return invalidArgument(error.lines.map((line) => foreignLine(line, error.expected)));
  return new RpcError(codeOf(error), error.message, { details: detailsOf(error), cause: error });
}

function codeOf(error: DomainError): Status {
  if (error instanceof NotFound) return Status.NOT_FOUND;
  if (isTaken(error)) return Status.ALREADY_EXISTS;
  if (error instanceof InsufficientStock || error instanceof StockLimitExceeded) return Status.FAILED_PRECONDITION;
  if (error instanceof TotalOutOfRange) return Status.OUT_OF_RANGE;
  if (error instanceof ConcurrentChange) return Status.ABORTED;
  if (error instanceof Unavailable || error instanceof AcceptancePending) return Status.UNAVAILABLE;
  return Status.INTERNAL;
}

function isTaken(error: DomainError): boolean {
  return error instanceof EmailTaken || error instanceof SkuTaken || error instanceof RequestIdReused;
}

function detailsOf(error: DomainError) {
  if (error instanceof NotFound) {
    const description = `doesn't exist; ${error.remedy}`;
    return error.resources.map((resourceName) => packDetail(ResourceInfo, { resourceName, description }));
  }
  if (error instanceof InsufficientStock) {
    const violations = error.shortages.map((shortage) => ({
      type: 'STOCK',
      subject: nameOf('product', shortage.productId),
      description: describeShortage(shortage),
    }));
    return [packDetail(PreconditionFailure, { violations })];
  }
  return [];
}

function foreignLine({ index, productId, currency }: ForeignLine, expected: string): FieldViolation {
  const product = nameOf('product', productId);
  return {
    field: `quote.lines[${index}].product`,
    description: `${product} is sold in ${currency}, the first line in ${expected}; make a quote for each currency`,
  };
}
