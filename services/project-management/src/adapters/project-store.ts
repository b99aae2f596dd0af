import type { Transaction } from '@rondo/database';
import type { CalendarDate } from '@rondo/resources/domain';
import { type Listing, listPage, type StoreDatabase } from '@rondo/resources/sql';
import type { ProjectStore } from '../domain/ports.js';
import { type NewProject, PROJECT_STATES, type Project } from '../domain/project.js';
import type { NewTask } from '../domain/task.js';
import { appendProjectChange } from './change-log.js';
import { requireReferences } from './require-references.js';
import { DELETION, NEXT_UPDATE_TIME, PROJECT_COLUMNS, PROJECTS_COLUMNS, type ProjectRow, toProject } from './rows.js';
import { insertTasks } from './task-rows.js';

/**
 * Called when a project is deleted or archived, and with the Monday of the current week when it is done; in the same
 * transaction.
 */
export type OnEnd = (transaction: Transaction, projectId: string, after?: CalendarDate) => Promise<void>;

const LISTING: Listing = {
  table: 'projects',
  order: 'the newest first',
  columns: {
    title: 'title',
    owner: 'owner_id',
    start_date: 'start_date',
    due_date: 'due_date',
    quote: 'quote_id',
    order: 'order_id',
    create_time: 'create_time',
  },
  sorted: {
    create_time: 'create_time',
    title: 'title',
    start_date: "coalesce(start_date, DATE '9999-12-31')",
    due_date: "coalesce(due_date, DATE '9999-12-31')",
  },
  selected: PROJECT_COLUMNS,
  states: PROJECT_STATES,
  deletion: DELETION,
  // Projects that are created concurrently may have their times in either order, so the list isn't chronological.
  scannedBy: { field: 'owner', withState: true },
  sight: { value: 'team', indexed: true },
};

/** Stores projects in PostgreSQL. */
export function createProjectStore(database: StoreDatabase, onEnd: OnEnd = async () => {}): ProjectStore {
  return {
    create: (project, tasks, toReply) =>
      database.transaction(async (transaction) => toReply(toProject(await insertProject(transaction, project, tasks)))),
    async find(id) {
      const row = await database.maybeOne<ProjectRow>(`SELECT ${PROJECTS_COLUMNS} FROM projects WHERE id = $1`, [id]);
      return row && toProject(row);
    },
    list: (query) => listPage<ProjectRow, Project>(database.reads, { listing: LISTING, query }, toProject),
    update: (id, decide, thisWeek) =>
      database.transaction((transaction) => update(transaction, { id, decide, thisWeek, onEnd })),
    delete: (id, admit) =>
      database.transaction((transaction) =>
        changeLocked(transaction, id, async (project) => {
          if (project.deleteTime !== undefined) return project;
          admit(project);
          await onEnd(transaction, id);
          return toProject(await appendProjectChange(transaction, await setDeleted(transaction, id, true)));
        }),
      ),
    undelete: (id) =>
      database.transaction((transaction) =>
        changeLocked(transaction, id, async (project) =>
          project.deleteTime === undefined
            ? project
            : toProject(await appendProjectChange(transaction, await setDeleted(transaction, id, false))),
        ),
      ),
  };
}

/** Inserts a project with its tasks. @throws UnknownReferences. */
export async function insertProject(
  transaction: Transaction,
  project: NewProject,
  tasks: readonly NewTask[],
): Promise<ProjectRow> {
  const memberIds = [project.ownerId, ...tasks.map(({ assigneeId }) => assigneeId)];
  await requireReferences(transaction, { projectId: project.id, memberIds, taskIds: [] });
  const made = await insert(transaction, project);
  await insertTasks(transaction, { projectId: project.id, tasks });
  return made;
}

function insert(transaction: Transaction, project: NewProject): Promise<ProjectRow> {
  const { quoteId, orderId } = project;
  return transaction.one<ProjectRow>(
    `INSERT INTO projects
       (id, title, state, owner_id, start_date, due_date, team, quote_id, order_id, create_time, update_time)
     SELECT $1, $2, $3, $4, $5::date, $6::date, $7, $8, $9, now, now FROM (SELECT clock_timestamp() AS now) AS clock
     RETURNING ${PROJECTS_COLUMNS}`,
    [...fieldsOf(project), quoteId ?? null, orderId ?? null],
  );
}

interface Update {
  readonly id: string;
  readonly decide: (project: Project) => Project;
  /** The Monday of the current week. */
  readonly thisWeek: CalendarDate;
  readonly onEnd: OnEnd;
}

async function update(transaction: Transaction, { id, decide, thisWeek, onEnd }: Update): Promise<Project | undefined> {
  return changeLocked(transaction, id, async (present) => {
    const changed = decide(present);
    if (changed === present) return present;
    const memberIds = changed.ownerId === present.ownerId ? [] : [changed.ownerId];
    await requireReferences(transaction, { projectId: id, memberIds, taskIds: [] });
    if (changed.state === 'ARCHIVED') await onEnd(transaction, id);
    if (changed.state === 'DONE' && present.state !== 'DONE') await onEnd(transaction, id, thisWeek);
    return toProject(await appendProjectChange(transaction, await write(transaction, changed)));
  });
}

/** Locks a project and changes it. */
async function changeLocked(
  transaction: Transaction,
  id: string,
  change: (project: Project) => Promise<Project>,
): Promise<Project | undefined> {
  const sql = `SELECT ${PROJECTS_COLUMNS} FROM projects WHERE id = $1 FOR NO KEY UPDATE`;
  const row = await transaction.maybeOne<ProjectRow>(sql, [id]);
  return row && change(toProject(row));
}

function write(transaction: Transaction, project: Project): Promise<ProjectRow> {
  return transaction.one<ProjectRow>(
    `UPDATE projects SET title = $2, state = $3, owner_id = $4, start_date = $5, due_date = $6, team = $7, version = version + 1,
       update_time = ${NEXT_UPDATE_TIME}
     WHERE id = $1 RETURNING ${PROJECTS_COLUMNS}`,
    fieldsOf(project),
  );
}

function setDeleted(transaction: Transaction, id: string, deleted: boolean): Promise<ProjectRow> {
  return transaction.one<ProjectRow>(
    `UPDATE projects SET version = version + 1, update_time = now, delete_time = CASE WHEN $2 THEN now END
     FROM (SELECT ${NEXT_UPDATE_TIME} AS now
       FROM projects WHERE id = $1) AS clock
     WHERE id = $1 RETURNING ${PROJECTS_COLUMNS}`,
    [id, deleted],
  );
}

function fieldsOf({ id, title, state, ownerId, startDate, dueDate, team }: NewProject) {
  return [id, title, state, ownerId ?? null, startDate ?? null, dueDate ?? null, team];
}
