import { PreconditionFailure, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { type FieldViolation, invalidArgument, packDetail, RpcError, Status } from '@rondo/rpc/status';
import {
  ConcurrentChange,
  DomainError,
  DueBeforeStart,
  EmailTaken,
  NotFound,
  RequestIdReused,
  StaleEtag,
  Unavailable,
  UnknownMembers,
  WrongState,
} from '../domain/errors.js';

/** A field of a request that names a member. */
export interface MemberField {
  readonly path: string;
  readonly memberId: string | undefined;
}

/** `work`, its failures as the statuses that the contract gives them. */
export async function answered<T>(work: Promise<T>, memberFields: readonly MemberField[] = []): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toStatus(error, memberFields);
  }
}

/** The status of a domain error; anything else as it is. The fields say where unknown members were named. */
export function toStatus(error: unknown, memberFields: readonly MemberField[] = []): unknown {
  if (!(error instanceof DomainError)) return error;
  if (error instanceof UnknownMembers) return invalidArgument(unknownMembers(error, memberFields));
  if (error instanceof DueBeforeStart)
    return invalidArgument([{ field: 'project.due_date', description: error.message }]);
  return new RpcError(codeOf(error), error.message, { details: detailsOf(error), cause: error });
}

function codeOf(error: DomainError): Status {
  if (error instanceof NotFound) return Status.NOT_FOUND;
  if (error instanceof WrongState) return Status.FAILED_PRECONDITION;
  if (error instanceof EmailTaken || error instanceof RequestIdReused) return Status.ALREADY_EXISTS;
  if (error instanceof StaleEtag || error instanceof ConcurrentChange) return Status.ABORTED;
  if (error instanceof Unavailable) return Status.UNAVAILABLE;
  return Status.INTERNAL;
}

function detailsOf(error: DomainError) {
  if (error instanceof NotFound) {
    const { resource: resourceName, message: description } = error;
    return [packDetail(ResourceInfo, { resourceName, description })];
  }
  if (error instanceof WrongState) {
    const { resource: subject, message: description } = error;
    return [packDetail(PreconditionFailure, { violations: [{ type: 'STATE', subject, description }] })];
  }
  return [];
}

function unknownMembers({ ids }: UnknownMembers, fields: readonly MemberField[]): FieldViolation[] {
  return fields
    .filter(({ memberId }) => memberId !== undefined && ids.includes(memberId))
    .map(({ path, memberId }) => ({
      field: path,
      description: `members/${memberId} doesn't exist; create it with CreateMember, or name another`,
    }));
}
