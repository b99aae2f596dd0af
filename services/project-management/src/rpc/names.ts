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

/** The id of the project in a name. */
export function readProjectName(report: ReportFault, name: string): string {
  return readName(report, name, projectNames) ?? '';
}

/** The ids in the name of a task. */
export function readTaskName(report: ReportFault, name: string): TaskId {
  return readName(report, name, taskNames) ?? { projectId: '', taskId: '' };
}

/** The id of the member in a name. */
export function readMemberName(report: ReportFault, name: string): string {
  return readName(report, name, memberNames) ?? '';
}

/** The id of the member in a name that may be empty, for none. */
export function readOptionalMember(report: ReportFault, name: string): string | undefined {
  return name === '' ? undefined : readMemberName(report, name);
}

/** The ids in the name of a reservation. */
export function readReservationName(report: ReportFault, name: string): ReservationId {
  return readName(report, name, reservationNames) ?? { memberId: '', reservationId: '' };
}

function readName<Id>(report: ReportFault, name: string, { pattern, parse }: NamePattern<Id>): Id | undefined {
  const id = parse(name);
  if (id === undefined) report(`must be ${pattern}, where an id is 1 to 63 of a-z 0-9 -; it is "${name}"`);
  return id;
}

/** The ids of the tasks of a project in names. */
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
