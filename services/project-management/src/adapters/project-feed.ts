import type { Transaction } from '@rondo/database';
import { InvalidResumeToken, type Sync, WatchAborted, WatchUnavailable } from '@rondo/sync';
import type { ProjectSnapshotPart } from '../domain/project-feed.js';
import { ForeignResumeToken, NotFound, WatcherTooSlow, WatchInterrupted } from '../domain/errors.js';
import { projectName } from '../domain/names.js';
import type { ProjectWatches } from '../domain/ports.js';
import { parseChange, topicOf } from './change-log.js';
import { PROJECTS_COLUMNS, type ProjectRow, TASK_RECORDS_COLUMNS, type TaskRow, toProject, toTask } from './rows.js';

/** So many tasks, of a hundred dependencies each, still fit into a message of 4 MiB. */
const PART = 500;

/** Projects as they are and as they become, over all replicas. */
export function createProjectWatches(sync: Pick<Sync, 'watch'>): ProjectWatches {
  return {
    async *follow({ projectId, resumeToken, signal }) {
      const snapshot = (transaction: Transaction) => readParts(transaction, projectId);
      try {
        for await (const event of sync.watch({ topic: topicOf(projectId), resumeToken, signal, snapshot })) {
          if (event.kind === 'change') yield { ...parseChange(event.payload), resumeToken: event.resumeToken };
          else yield { kind: 'snapshot', ...event.part, more: !event.last, resumeToken: event.resumeToken ?? '' };
        }
      } catch (error) {
        throw inDomainWords(error);
      }
    },
  };
}

const NEXT_TASKS = `
  SELECT ${TASK_RECORDS_COLUMNS} FROM task_records WHERE project_id = $1 AND NOT deleted AND sequence > $2
  ORDER BY sequence LIMIT ${PART}`;

/** The project with its tasks, the oldest first, in parts. @throws NotFound */
async function* readParts(transaction: Transaction, id: string): AsyncGenerator<ProjectSnapshotPart> {
  const row = await transaction.maybeOne<ProjectRow>(`SELECT ${PROJECTS_COLUMNS} FROM projects WHERE id = $1`, [id]);
  if (row === undefined) throw new NotFound(projectName(id), 'list the projects with ListProjects');
  const project = toProject(row);
  for (let after = 0n; ; ) {
    const rows = await transaction.query<TaskRow>(NEXT_TASKS, [id, after]);
    const last = rows.at(-1);
    if (last !== undefined || after === 0n) yield { project, tasks: rows.map(toTask) };
    if (last === undefined || rows.length < PART) return;
    after = last.sequence;
  }
}

function inDomainWords(error: unknown): unknown {
  if (error instanceof InvalidResumeToken) return new ForeignResumeToken();
  if (error instanceof WatchAborted) return new WatcherTooSlow(error);
  return error instanceof WatchUnavailable ? new WatchInterrupted(error) : error;
}
