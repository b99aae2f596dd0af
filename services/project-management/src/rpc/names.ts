import { readName } from '@rondo/resources';
import type { FieldAt, ReportFault } from '@rondo/rpc/status';
import { memberNames, projectName, projectNames, type TaskId, taskNames } from '../domain/names.js';

/** Reads the id from a project's name. */
export function readProjectName(report: ReportFault, name: string): string {
  return readName(report, projectNames, name) ?? '';
}

/** Reads the ids from a task's name. */
export function readTaskName(report: ReportFault, name: string): TaskId {
  return readName(report, taskNames, name) ?? { projectId: '', taskId: '' };
}

/** Reads the id from a member's name. */
export function readMemberName(report: ReportFault, name: string): string {
  return readName(report, memberNames, name) ?? '';
}

/** Reads the id from a member's name; undefined if the name is empty. */
export function readOptionalMember(report: ReportFault, name: string): string | undefined {
  return name === '' ? undefined : readMemberName(report, name);
}

/** Reads the ids from the names of a task's dependencies, which must be tasks of the same project. */
export function readDependencies(field: FieldAt, names: readonly string[], projectId: string): readonly string[] {
  return names.map((name, index) => {
    const report = field(`dependencies[${index}]`);
    const id = readTaskName(report, name);
    if (id.projectId !== '' && projectId !== '' && id.projectId !== projectId) {
      report(`must be a task of the same project, ${projectName(projectId)}; it is "${name}"`);
    }
    return id.taskId;
  });
}
