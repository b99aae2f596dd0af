import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { createPool } from '@rondo/database';
import { eventually, startService } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';

const COMPANY = readFileSync(new URL('./company.sql', import.meta.url), 'utf8');
const FILL_MS = 900_000;

/** Starts project-management on a database of its own, and fills that with so many tasks. */
export async function startCompany(tasks, { postgres, folder, onClose }) {
  const name = `tasks_${tasks}`;
  const url = await postgres.createDatabase(name);
  const env = { DATABASE_URL: url };
  const service = await startService('project-management', { env, logFile: path.join(folder, `${name}.log`) });
  onClose(() => service.stop());
  const database = createPool({ url, maxConnections: 1, statementTimeoutMs: FILL_MS });
  onClose(() => database.close());
  const channel = createChannel({ resolver: staticResolver([service.address]) });
  onClose(() => channel.close());
  const projectService = createClient(ProjectServiceDefinition, { channel });
  // It listens before its tables are there.
  await eventually(() => projectService.listProjects({}));
  await fill(database, tasks);
  return {
    tasks,
    database,
    projectService,
    taskService: createClient(TaskServiceDefinition, { channel }),
    teamService: createClient(TeamServiceDefinition, { channel }),
  };
}

async function fill(database, tasks) {
  await database.transaction((transaction) => transaction.script(COMPANY.replaceAll(':tasks', String(tasks))), {
    statementTimeoutMs: FILL_MS,
  });
  // What the server does by itself after a while.
  await database.query('VACUUM ANALYZE');
}
