/** The embedded PostgreSQL: a process of the system, which the supervisor restarts like the others. */
import path from 'node:path';
import { openLog } from './data-folder.js';
import { POSTGRES } from './plan.js';
import type { Supervisor } from './supervisor.js';

/** Where the server keeps its data, and listens. */
export interface EmbeddedOptions {
  /** The data folder of the system. */
  readonly data: string;
  readonly port: number;
  readonly supervisor: Supervisor;
}

type EmbeddedPostgres = Awaited<ReturnType<typeof startServer>>;

/** The embedded server, which starts when its URL is asked for. The URL is the same after a restart. */
export function embeddedServer({ data, port, supervisor }: EmbeddedOptions) {
  const asked = new WeakSet<EmbeddedPostgres>();
  const ended = new WeakSet<EmbeddedPostgres>();
  let current: EmbeddedPostgres | undefined;
  let starting: Promise<EmbeddedPostgres> | undefined;

  const begin = (append: boolean) => {
    starting = startServer(data, port, append).then((server) => {
      current = server;
      void server.exited.then((how) => {
        ended.add(server);
        if (!asked.has(server)) supervisor.ended(POSTGRES, how, () => begin(true).then(() => true));
      });
      return server;
    });
    return starting;
  };
  /** The superuser's URL. */
  const adminUrl = async (): Promise<string> => {
    if (current !== undefined) return current.url;
    try {
      return (await (starting ?? begin(false))).url;
    } catch (error) {
      starting = undefined; // the next call tries again
      throw error;
    }
  };
  const stop = async (): Promise<void> => {
    supervisor.forget(POSTGRES);
    await starting?.catch(() => undefined); // the caller of `begin` has the error
    if (current === undefined) return;
    asked.add(current);
    await current.stop();
  };
  return {
    address: `127.0.0.1:${port}`,
    /** Where the data is stored. */
    home: data,
    adminUrl,
    /** Removes a database with its data. */
    async remove(name: string): Promise<void> {
      const { createPool } = await import('@rondo/database');
      const admin = createPool({ url: await adminUrl(), maxConnections: 1 });
      await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`).finally(() => admin.close());
    },
    /** The server's process, if it was started. */
    process: () => current && { pid: current.pid, isRunning: () => current !== undefined && !ended.has(current) },
    async restart(): Promise<void> {
      await stop();
      await begin(false);
    },
    stop,
  };
}

async function startServer(data: string, port: number, append: boolean) {
  const { startEmbeddedPostgres } = await import('@rondo/database/embedded');
  const log = openLog(data, POSTGRES, { append });
  try {
    const server = await startEmbeddedPostgres({ directory: path.join(data, 'postgres'), port, log: log.write });
    void server.exited.then(log.end);
    return server;
  } catch (error) {
    log.end();
    throw error;
  }
}
