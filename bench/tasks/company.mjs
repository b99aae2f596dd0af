import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { createPool } from '@rondo/database';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { takeAlong } from '../process/children.mjs';
import { freePort } from '../registry/registry-process.mjs';

const MAIN = fileURLToPath(new URL('../../services/project-management/dist/main.js', import.meta.url));
const COMPANY = readFileSync(new URL('./company.sql', import.meta.url), 'utf8');
const START_MS = 30_000;
const FILL_MS = 900_000;

/**
 * Starts project-management on a database of its own and fills that with so many tasks.
 *
 * @param options `postgres` is the server, `folder` takes the log.
 */
export async function startCompany({ postgres, tasks, folder }) {
  const name = `tasks_${tasks}`;
  const admin = createPool({ url: postgres.url, maxConnections: 1 });
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template0`).finally(() => admin.close());
  const url = Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href;
  const address = `127.0.0.1:${await freePort()}`;
  const log = openSync(path.join(folder, `${name}.log`), 'a');
  const child = spawn(process.execPath, [MAIN], {
    // Nobody listens on port 1: it is by itself.
    env: { PATH: process.env.PATH, RONDO_LISTEN: address, RONDO_REGISTRY: '127.0.0.1:1', DATABASE_URL: url },
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  takeAlong(child);
  const channel = createChannel({ resolver: staticResolver([address]) });
  const database = createPool({ url, maxConnections: 1, statementTimeoutMs: FILL_MS });
  const company = {
    tasks,
    database,
    projectService: createClient(ProjectServiceDefinition, { channel }),
    taskService: createClient(TaskServiceDefinition, { channel }),
    teamService: createClient(TeamServiceDefinition, { channel }),
    async stop() {
      channel.close();
      await database.close();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
  await answering(company);
  await fill(company);
  return company;
}

async function answering({ projectService }) {
  for (const lastAt = performance.now() + START_MS; ; await sleep(100)) {
    try {
      await projectService.listProjects({});
      return;
    } catch (error) {
      if (performance.now() > lastAt) throw error;
    }
  }
}

async function fill({ database, tasks }) {
  await database.transaction((transaction) => transaction.script(COMPANY.replaceAll(':tasks', String(tasks))), {
    statementTimeoutMs: FILL_MS,
  });
  // What the server does by itself after a while.
  await database.query('VACUUM ANALYZE');
}
