import type { Transaction } from '@rondo/database';
import { appendChanges, type PayloadFields, payloadFields } from '@rondo/sync';
import { projectName } from '../domain/names.js';
import type { Change } from '../domain/project-feed.js';
import { type ProjectRow, type TaskRow, toProject, toTask } from './rows.js';

/**
 * Appends a change of a project for its watchers, which get it after the commit. It is called after the statement
 * that wrote the row. The creation of a project appends nothing, as a new project has no watchers.
 */
export async function appendProjectChange(transaction: Transaction, row: ProjectRow): Promise<ProjectRow> {
  await appendChanges(transaction, [{ topic: topicOf(row.id), payload: changeJson({ kind: 'project', row }) }]);
  return row;
}

/** Appends the changes of tasks for the watchers of their project, like {@link appendProjectChange}. */
export async function appendTaskChanges<Rows extends readonly TaskRow[]>(
  transaction: Transaction,
  rows: Rows,
): Promise<Rows> {
  const changes = rows.map((row) => ({ topic: topicOf(row.project_id), payload: changeJson({ kind: 'task', row }) }));
  await appendChanges(transaction, changes);
  return rows;
}

/** The topic of the changes of a project and its tasks. */
export function topicOf(projectId: string): string {
  return projectName(projectId);
}

type ChangedRow =
  | { readonly kind: 'project'; readonly row: ProjectRow }
  | { readonly kind: 'task'; readonly row: TaskRow };

/** The payload of a changed row. Values of type int8 become text, as JSON has no such type. */
function changeJson({ kind, row }: ChangedRow): object {
  const fields = Object.entries(row).map(([column, value]) => [column, typeof value === 'bigint' ? `${value}` : value]);
  return { kind, row: Object.fromEntries(fields) };
}

/** The change in a payload. @throws TypeError if the payload isn't a change. */
export function parseChange(payload: unknown): Change {
  const { text, nested } = payloadFields(payload);
  const row = nested('row');
  const kind = text('kind');
  if (kind === 'project') return { kind, project: toProject(parseProject(row)) };
  if (kind === 'task') return { kind, task: toTask(parseTask(row)) };
  throw new TypeError(`"${kind}" isn't a kind of change`);
}

/** The project's row in a change. */
export function parseProject({ text, optional, whole, time, optionalTime }: PayloadFields): ProjectRow {
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
    // A replica of an earlier version doesn't write these.
    team: optional('team') ?? '',
    quote_id: optional('quote_id'),
    order_id: optional('order_id'),
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
