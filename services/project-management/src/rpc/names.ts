import type { ReportFault } from '@rondo/rpc/status';
import { memberNames, type NamePattern, projectNames, type TaskId, taskNames } from '../domain/names.js';

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

function readName<Id>(report: ReportFault, name: string, { pattern, parse }: NamePattern<Id>): Id | undefined {
  const id = parse(name);
  if (id === undefined) report(`must be ${pattern}, where an id is 1 to 63 of a-z 0-9 -; it is "${name}"`);
  return id;
}
