import path from 'node:path';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { createPool } from '@rondo/database';
import { cpuMs, eventually, freePort, startRegistry, startService } from '@rondo/harness';
import { startPostgres } from '@rondo/harness/postgres';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';

/** Starts a database and a registry, and replicas of project-management on demand; each is a process of its own. */
export async function startSystem({ folder, onClose }) {
  const postgres = await startPostgres(folder);
  onClose(() => postgres.stop());
  const url = await postgres.createDatabase('projects');
  const database = createPool({ url, maxConnections: 2 });
  onClose(() => database.close());
  const registry = await startRegistry({ warmingMs: 0, logFile: path.join(folder, 'registry.log') });
  onClose(() => registry.stop());
  const replicas = [];
  let count = 0;
  let usedByKilledMs = 0;
  return {
    database,
    registry: registry.address,
    newAddress: async () => `127.0.0.1:${await freePort()}`,
    addresses: () => replicas.map(({ address }) => address),
    /** Starts a replica that listens at `address`, and resolves once it serves. */
    async start(address) {
      count += 1;
      const instanceId = `replica-${count}`;
      const options = { instanceId, listen: address, registry: registry.address, env: { DATABASE_URL: url } };
      const logFile = path.join(folder, `${instanceId}.log`);
      const replica = await startService('project-management', { ...options, logFile });
      onClose(() => replica.stop());
      replicas.push(replica);
      await serving(address);
    },
    /** Kills the oldest replica. */
    async kill() {
      const replica = replicas.shift();
      if (replica === undefined) return;
      usedByKilledMs += cpuMs(replica.pid);
      await replica.stop('SIGKILL');
    },
    /** Processor time by what has used it. Milliseconds; Linux only. */
    usedMs: () => ({
      database: cpuMs(postgres.pid(), { children: true }),
      replicas: usedByKilledMs + replicas.reduce((sum, { pid }) => sum + cpuMs(pid), 0),
    }),
  };
}

/** A replica listens before its tables are there. */
async function serving(address) {
  const channel = createChannel({ resolver: staticResolver([address]) });
  const projects = createClient(ProjectServiceDefinition, { channel });
  await eventually(() => projects.listProjects({ pageSize: 1 })).finally(() => channel.close());
}
