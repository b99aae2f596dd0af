import { createStatusMapping } from '@rondo/resources';
import { type FieldViolation, invalidArgument } from '@rondo/rpc/status';
import { UnknownReferences } from '../domain/errors.js';
import { type TaskId, taskName } from '../domain/names.js';

const mapping = createStatusMapping('project-management');

export const { toRpcError, streamWithRpcErrors } = mapping;

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

/**
 * Awaits `work` and turns its domain errors into the statuses of the contract.
 *
 * @param references the fields of the request that name other resources, to report the fields of unknown ones.
 */
export function withRpcErrors<T>(work: Promise<T>, references: readonly ReferenceField[] = []): Promise<T> {
  const reported = work.catch((error: unknown) => {
    throw error instanceof UnknownReferences ? invalidArgument(unknownReferences(error, references)) : error;
  });
  return mapping.withRpcErrors(reported);
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
