import type { Transaction } from '@rondo/database';
import { NotFound } from '@rondo/resources/domain';
import { cutBySize, inParts, toWatchError } from '@rondo/resources/sql';
import { currentWorkLimits } from '@rondo/rpc/call';
import type { Sync } from '@rondo/sync';
import { projectName } from '../domain/names.js';
import type { ProjectFeed, ProjectSnapshotPart } from '../domain/project-feed.js';
import { parseChange, topicOf } from './change-log.js';
import {
  PROJECTS_COLUMNS,
  type ProjectRow,
  TASK_RECORDS_COLUMNS,
  type TaskRow,
  taskBytes,
  toProject,
  toTask,
} from './rows.js';

/** How many tasks are read at once. They are sent in one message if they fit. */
const PART = 500;

/** Streams projects and their changes from all replicas. */
export function createProjectFeed(sync: Pick<Sync, 'watch'>): ProjectFeed {
  return {
    async *watch({ projectId, watcher, resumeToken, signal }) {
      const filter = watcher && { name: `watched by ${watcher.identity}`, accepts: () => true };
      const snapshot = (transaction: Transaction) => readParts(transaction, projectId);
      const options = {
        topic: topicOf(projectId),
        resumeToken,
        caller: currentWorkLimits().caller,
        signal,
        filter,
        snapshot,
      };
      try {
        for await (const event of sync.watch(options)) {
          if (event.kind === 'change') {
            await watcher?.requireInSight();
            yield { ...parseChange(event.payload), resumeToken: event.resumeToken };
          } else yield { kind: 'snapshot', ...event.part, more: !event.last, resumeToken: event.resumeToken ?? '' };
        }
      } catch (error) {
        throw toWatchError(error, 'the same project');
      }
    },
  };
}

const NEXT_TASKS = `
  SELECT ${TASK_RECORDS_COLUMNS} FROM task_records WHERE project_id = $1 AND NOT deleted AND sequence > $2
  ORDER BY sequence LIMIT ${PART}`;

/** Reads a project with its tasks in parts, the oldest task first. @throws NotFound */
async function* readParts(transaction: Transaction, id: string): AsyncGenerator<ProjectSnapshotPart> {
  const row = await transaction.maybeOne<ProjectRow>(`SELECT ${PROJECTS_COLUMNS} FROM projects WHERE id = $1`, [id]);
  if (row === undefined) throw new NotFound([projectName(id)], 'list the projects with ListProjects');
  const project = toProject(row);
  const read = (after: bigint) => transaction.query<TaskRow>(NEXT_TASKS, [id, after]);
  for await (const rows of inParts(PART, read)) {
    for (const tasks of cutBySize(rows.map(toTask), taskBytes)) yield { project, tasks };
  }
}
