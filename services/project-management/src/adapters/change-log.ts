import type { Transaction } from '@rondo/database';
import { appendChanges, type PayloadFields, payloadFields } from '@rondo/sync';
import { projectName } from '../domain/names.js';
import { type ProjectRow, type TaskRow, toProject, toTask } from './rows.js';
import type { Change } from '../domain/project-feed.js';

/**
 * Has a project's watchers told of what it is now, once this transaction is committed; it comes after the statement that
 * wrote the row. Of a project that is made nobody is told: nobody follows it yet.
 */
export async function tellProject(transaction: Transaction, row: ProjectRow): Promise<ProjectRow> {
  await appendChanges(transaction, [{ topic: topicOf(row.id), payload: changeJson({ kind: 'project', row }) }]);
  return row;
}

/** Has a project's watchers told of what its tasks are now; as {@link tellProject}. */
export async function tellTasks<Rows extends readonly TaskRow[]>(transaction: Transaction, rows: Rows): Promise<Rows> {
  const changes = rows.map((row) => ({ topic: topicOf(row.project_id), payload: changeJson({ kind: 'task', row }) }));
  await appendChanges(transaction, changes);
  return rows;
}

/** The topic of a project and its tasks. */
export function topicOf(projectId: string): string {
  return projectName(projectId);
}

/** A row that is told of, by its kind. */
type ChangedRow =
  | { readonly kind: 'project'; readonly row: ProjectRow }
  | { readonly kind: 'task'; readonly row: TaskRow };

/** A row as it is kept for watchers: JSON has no int8. */
function changeJson({ kind, row }: ChangedRow): object {
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
