import { type PayloadFields, payloadFields } from '@rondo/sync';
import type { Change } from '../domain/change.js';
import type { ProjectRow, TaskRow } from './rows.js';
import { toProject, toTask } from './rows.js';

/** A row that is told of, by its kind. */
export type ChangedRow =
  | { readonly kind: 'project'; readonly row: ProjectRow }
  | { readonly kind: 'task'; readonly row: TaskRow };

/** A row as it is kept for watchers: JSON has no int8. */
export function changeJson({ kind, row }: ChangedRow): object {
  const fields = Object.entries(row).map(([column, value]) => [column, typeof value === 'bigint' ? `${value}` : value]);
  return { kind, row: Object.fromEntries(fields) };
}

/** The change that is kept. @throws TypeError where it is none. */
export function parseChange(payload: unknown): Change {
  const { text, nested } = payloadFields(payload);
  const row = nested('row');
  const kind = text('kind');
  if (kind === 'project') return { kind, project: toProject(parseProject(row)) };
  if (kind === 'task') return { kind, task: toTask(parseTask(row)) };
  throw new TypeError(`"${kind}" is no kind of change`);
}

function parseProject({ text, optional, whole, time, optionalTime }: PayloadFields): ProjectRow {
  return {
    id: text('id'),
    sequence: whole('sequence'),
    title: text('title'),
    state: text('state'),
    owner_id: optional('owner_id'),
    start_date: optional('start_date'),
    due_date: optional('due_date'),
    create_time: time('create_time'),
    update_time: time('update_time'),
    delete_time: optionalTime('delete_time'),
    version: whole('version'),
  };
}

function parseTask({ text, texts, optional, whole, time, optionalTime }: PayloadFields): TaskRow {
  return {
    id: text('id'),
    project_id: text('project_id'),
    sequence: whole('sequence'),
    title: text('title'),
    state: text('state'),
    assignee_id: optional('assignee_id'),
    effort_minutes: whole('effort_minutes'),
    create_time: time('create_time'),
    update_time: time('update_time'),
    delete_time: optionalTime('delete_time'),
    dependencies: texts('dependencies'),
    version: whole('version'),
  };
}
