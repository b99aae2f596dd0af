import type { FilterField } from '@rondo/resources';
import { checked, type FieldAt, type ReportFault } from '@rondo/rpc/status';
import {
  memberNames,
  type NamePattern,
  projectName,
  projectNames,
  type ReservationId,
  reservationNames,
  type TaskId,
  taskNames,
} from '../domain/names.js';
import { dependenciesFault } from '../domain/rules.js';

/** The filter field for the name of a member. */
export const MEMBER_FIELD: FilterField = { kind: 'name', pattern: memberNames.pattern, read: memberNames.parse };

/** Reads the id from a project's name. */
export function readProjectName(report: ReportFault, name: string): string {
  return readName(report, name, projectNames) ?? '';
}

/** Reads the ids from a task's name. */
export function readTaskName(report: ReportFault, name: string): TaskId {
  return readName(report, name, taskNames) ?? { projectId: '', taskId: '' };
}

/** Reads the id from a member's name. */
export function readMemberName(report: ReportFault, name: string): string {
  return readName(report, name, memberNames) ?? '';
}

/** Reads the id from a member's name; undefined if the name is empty. */
export function readOptionalMember(report: ReportFault, name: string): string | undefined {
  return name === '' ? undefined : readMemberName(report, name);
}

/** Reads the ids from a reservation's name. */
export function readReservationName(report: ReportFault, name: string): ReservationId {
  return readName(report, name, reservationNames) ?? { memberId: '', reservationId: '' };
}

function readName<Id>(report: ReportFault, name: string, { pattern, parse }: NamePattern<Id>): Id | undefined {
  const id = parse(name);
  if (id === undefined) report(`must be ${pattern}, where an id is 1 to 63 of a-z 0-9 -; it is "${name}"`);
  return id;
}

/** Reads the ids from the names of a task's dependencies, which must be tasks of the same project. */
export function readDependencies(field: FieldAt, names: readonly string[], projectId: string): readonly string[] {
  checked(field('dependencies'), names, dependenciesFault);
  return names.map((name, index) => {
    const report = field(`dependencies[${index}]`);
    const id = readTaskName(report, name);
    if (id.projectId !== '' && projectId !== '' && id.projectId !== projectId) {
      report(`must be a task of the same project, ${projectName(projectId)}; it is "${name}"`);
    }
    return id.taskId;
  });
}
