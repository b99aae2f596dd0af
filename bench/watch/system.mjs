import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { createPool } from '@rondo/database';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { takeAlong } from '../process/children.mjs';
import { cpuMs } from '../process/cpu.mjs';
import { freePort, startRegistry } from '../registry/registry-process.mjs';

const MAIN = fileURLToPath(new URL('../../services/project-management/dist/main.js', import.meta.url));
const START_MS = 30_000;

/** A database, a registry, and replicas of project-management; each a process of its own. */
export async function startSystem({ folder }) {
  const { url, database, databasePid, stopDatabase } = await startDatabase(folder);
  const logFile = path.join(folder, 'registry.log');
  const registry = await startRegistry({ port: await freePort(), warmingMs: 0, logFile });
  const env = { DATABASE_URL: url, RONDO_REGISTRY: registry.address };
  const replicas = [];
  let count = 0;
  let usedByKilledMs = 0;
  return {
    database,
    registry: registry.address,
    replicas,
    newAddress: async () => `127.0.0.1:${await freePort()}`,
    /** Starts a replica at `address`, and resolves once it serves. */
    async start(address) {
      count += 1;
      const replica = startReplica(`replica-${count}`, { address, env, folder });
      replicas.push(replica);
      await served(address);
    },
    /** The oldest replica dies without a word. */
    async kill() {
      const replica = replicas.shift();
      if (replica === undefined) return;
      usedByKilledMs += cpuMs(replica.pid);
      await replica.end('SIGKILL');
    },
    /** What they have used of the processors. Milliseconds; Linux alone. */
    usedMs: () => ({
      database: cpuMs(databasePid, { children: true }),
      replicas: usedByKilledMs + replicas.reduce((sum, { pid }) => sum + cpuMs(pid), 0),
    }),
    async stop() {
      await Promise.all(replicas.map((replica) => replica.end('SIGTERM')));
      await registry.stop();
      await stopDatabase();
    },
  };
}

async function startDatabase(folder) {
  const directory = path.join(folder, 'postgres');
  mkdirSync(directory);
  chmodSync(folder, 0o755); // as root the server is another user
  chmodSync(directory, 0o755);
  const server = await startEmbeddedPostgres({ directory, port: await freePort() });
  const admin = createPool({ url: server.url, maxConnections: 1 });
  await admin.query('CREATE DATABASE projects').finally(() => admin.close());
  const url = Object.assign(new URL(server.url), { pathname: '/projects' }).href;
  const database = createPool({ url, maxConnections: 2 });
  const stopDatabase = async () => {
    await database.close();
    await server.stop();
  };
  return { url, database, databasePid: server.pid, stopDatabase };
}

function startReplica(name, { address, env, folder }) {
  const log = openSync(path.join(folder, `${name}.log`), 'a');
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, RONDO_LISTEN: address, RONDO_INSTANCE_ID: name, ...env },
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  takeAlong(child);
  return {
    address,
    pid: child.pid,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
    },
  };
}

async function served(address) {
  const channel = createChannel({ resolver: staticResolver([address]) });
  const projects = createClient(ProjectServiceDefinition, { channel });
  try {
    for (const lastAt = performance.now() + START_MS; ; await sleep(50)) {
      try {
        await projects.listProjects({ pageSize: 1 });
        return;
      } catch (error) {
        if (performance.now() > lastAt) throw error;
      }
    }
  } finally {
    channel.close();
  }
}
