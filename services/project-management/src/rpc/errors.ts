import { ErrorInfo, PreconditionFailure, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { type FieldViolation, invalidArgument, packDetail, RpcError, Status } from '@rondo/rpc/status';
import {
  ConcurrentChange,
  DomainError,
  DueBeforeStart,
  EmailTaken,
  ForeignResumeToken,
  NotFound,
  ProjectExists,
  RequestIdReused,
  StaleEtag,
  Unavailable,
  UnknownProject,
  UnknownReferences,
  WatcherTooSlow,
  WrongState,
} from '../domain/errors.js';
import { type TaskId, taskName } from '../domain/names.js';
import { TaskIdsTaken } from '../domain/task-errors.js';

/** A field of a request that names a member. */
export interface MemberField {
  readonly path: string;
  readonly memberId: string | undefined;
}

/** A field of a request that names a task. */
export interface TaskField {
  readonly path: string;
  readonly taskId: TaskId;
}

/** A field of a request that names another resource. */
export type ReferenceField = MemberField | TaskField;

/** Awaits `work` and turns its domain errors into the statuses of the contract. */
export async function withRpcErrors<T>(work: Promise<T>, references: readonly ReferenceField[] = []): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toRpcError(error, references);
  }
}

/**
 * The status of a domain error. Returns any other error as it is.
 *
 * @param references the fields of the request that name other resources, to report the fields of unknown ones.
 */
export function toRpcError(error: unknown, references: readonly ReferenceField[] = []): unknown {
  if (!(error instanceof DomainError)) return error;
  if (error instanceof UnknownReferences) return invalidArgument(unknownReferences(error, references));
  if (error instanceof DueBeforeStart)
    return invalidArgument([{ field: 'project.due_date', description: error.message }]);
  if (error instanceof UnknownProject)
    return invalidArgument([{ field: 'reservation.project', description: error.message }]);
  if (error instanceof ForeignResumeToken)
    return invalidArgument([{ field: 'resume_token', description: error.message }]);
  return new RpcError(codeOf(error), error.message, { details: detailsOf(error), cause: error });
}

function codeOf(error: DomainError): Status {
  if (error instanceof NotFound) return Status.NOT_FOUND;
  if (error instanceof WrongState) return Status.FAILED_PRECONDITION;
  if (isTaken(error)) return Status.ALREADY_EXISTS;
  if (isOvertaken(error)) return Status.ABORTED;
  if (error instanceof Unavailable) return Status.UNAVAILABLE;
  return Status.INTERNAL;
}

function isOvertaken(error: DomainError): boolean {
  return error instanceof StaleEtag || error instanceof ConcurrentChange || error instanceof WatcherTooSlow;
}

function isTaken(error: DomainError): boolean {
  return [EmailTaken, ProjectExists, RequestIdReused, TaskIdsTaken].some((taken) => error instanceof taken);
}

function detailsOf(error: DomainError) {
  if (error instanceof NotFound) {
    const { resource: resourceName, message: description } = error;
    return [packDetail(ResourceInfo, { resourceName, description })];
  }
  if (error instanceof WrongState) {
    const { rule: type, resource: subject, message: description } = error;
    return [packDetail(PreconditionFailure, { violations: [{ type, subject, description }] })];
  }
  if (error instanceof StaleEtag) {
    const metadata = { resource: error.resource, changed: error.fields.join(',') };
    return [packDetail(ErrorInfo, { reason: 'STALE_ETAG', domain: 'project-management', metadata })];
  }
  return [];
}

function unknownReferences(error: UnknownReferences, fields: readonly ReferenceField[]): FieldViolation[] {
  return fields.flatMap((field) => {
    const description = 'taskId' in field ? unknownTask(error, field) : unknownMember(error, field);
    return description === undefined ? [] : [{ field: field.path, description }];
  });
}

function unknownMember({ memberIds }: UnknownReferences, { memberId }: MemberField): string | undefined {
  if (memberId === undefined || !memberIds.includes(memberId)) return undefined;
  return `members/${memberId} doesn't exist, or is deleted; create it with CreateMember, or name another`;
}

function unknownTask({ taskIds }: UnknownReferences, { taskId }: TaskField): string | undefined {
  if (!taskIds.includes(taskId.taskId)) return undefined;
  return `${taskName(taskId)} doesn't exist, or is deleted; create it first, or name another`;
}
