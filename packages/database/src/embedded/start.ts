import { binariesFor, serverAccount } from './binaries.js';
import { type Cluster, openCluster } from './cluster.js';
import { clearLeftover, recordLauncher, removeLauncherRecord, stopServer } from './found-server.js';
import { type RunningServer, startServer, startWatchdog } from './server.js';

/** Options of the embedded server. */
export interface EmbeddedOptions {
  /** The data folder; created if it doesn't exist. One server per folder. */
  readonly directory: string;
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** Receives each line of the server's log, and lines about the launcher's own actions. */
  readonly log?: (line: string) => void;
  /** Default 100. */
  readonly maxConnections?: number;
  /** More settings of postgresql.conf; they override the defaults. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** Time limit of the start, including recovery; default 60,000. */
  readonly startTimeoutMs?: number;
}

/** A running embedded server. */
export interface EmbeddedPostgres {
  /** The superuser's address of the database `postgres`, with the password. */
  readonly url: string;
  readonly port: number;
  /** The postmaster's process id. */
  readonly pid: number;
  /** The folder of the data; not always in `directory`, see `startEmbeddedPostgres`. */
  readonly dataDirectory: string;
  /** Resolves when the server has ended, by `stop` or otherwise, to `SIGKILL` or `exit code 1`, for example. */
  readonly exited: Promise<string>;
  /** Stops it ("fast": open transactions are rolled back); resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL on 127.0.0.1, with persistent data in `directory`. It ends with this process, even after
 * `kill -9`. Connections need the password in `url`.
 *
 * As root it runs as `nobody`. If `nobody` can't enter the folder of the binaries or of the data, they are kept under
 * `/var/lib/rondo-postgres`, and `directory` has a link to the data.
 *
 * @throws Error with a one-line message: the port is in use, a live process uses the folder, the data has another major
 *   version, or the platform has no binaries.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const {
    directory,
    port,
    log = () => undefined,
    maxConnections = 100,
    settings = {},
    startTimeoutMs = 60_000,
  } = options;
  const account = serverAccount();
  const binaries = binariesFor(account, log);
  const cluster = openCluster(directory, account, binaries);
  await clearLeftover(cluster, log);
  const server = await startServer({
    postgres: binaries.postgres,
    account,
    cluster,
    port,
    log,
    startTimeoutMs,
    // Prepared transactions are off by default in PostgreSQL, but distributed transactions need them.
    settings: { max_connections: maxConnections, max_prepared_transactions: 64, shared_buffers: '64MB', ...settings },
  });
  const stop = supervise(server, cluster);
  await server.ready.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const url = `postgres://postgres:${cluster.password}@127.0.0.1:${port}/postgres`;
  return { url, port, pid: server.pid, dataDirectory: cluster.data, exited: server.exited, stop };
}

/** Ties the server's lifetime to this process; returns the function that stops it. */
function supervise(server: RunningServer, cluster: Cluster): () => Promise<void> {
  const watchdog = startWatchdog(server.pid);
  recordLauncher(cluster);
  let ended = false;
  const cleared = server.exited.then(() => {
    ended = true;
    watchdog.dismiss();
    removeLauncherRecord(cluster);
  });
  let stopping: Promise<void> | undefined;
  return () => {
    stopping ??= (ended ? Promise.resolve() : stopServer(server.pid)).then(() => cleared);
    return stopping;
  };
}
