import { binariesFor, serverAccount } from './binaries.js';
import { type Cluster, openCluster } from './cluster.js';
import { clearLeftover, recordLauncher, removeLauncherRecord, stopServer } from './found-server.js';
import { type RunningServer, startServer, startWatchdog } from './server.js';

/** How the embedded server runs. */
export interface EmbeddedOptions {
  /** Holds the data and is made if absent; one server a folder. */
  readonly directory: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** Told each line of the server's log, and what the launcher itself does. */
  readonly log?: (line: string) => void;
  /** Default 100. */
  readonly maxConnections?: number;
  /** Further settings of postgresql.conf, over the defaults. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** How long it may take until it accepts connections, recovery included; default 60,000. */
  readonly startTimeoutMs?: number;
}

/** A running embedded server. */
export interface EmbeddedPostgres {
  /** The superuser's address, with its password, of the database `postgres`. */
  readonly url: string;
  readonly port: number;
  /** The postmaster's process id. */
  readonly pid: number;
  /** Where the data is; not always in `directory`, see `startEmbeddedPostgres`. */
  readonly dataDirectory: string;
  /** Resolves when the server has ended, by `stop` or by itself: to `SIGKILL`, or `exit code 1`. */
  readonly exited: Promise<string>;
  /** Stops it ("fast": open transactions are rolled back) and resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL on 127.0.0.1, on data that stays in `directory`. It ends with this process, also when that
 * is killed by `kill -9`. Connections need the password in `url`.
 *
 * As root it runs as `nobody`. When `nobody` can't enter the folder of the binaries or of the data, those are kept
 * under `/var/lib/rondo-postgres`, and `directory` has a link to the data.
 *
 * @throws Error with one clear line: the port is in use, the folder is in use by a live process, the data is of another
 * major version, or the platform has no binaries.
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
    // Prepared transactions are off by default in PostgreSQL, and the atomic steps across services need them.
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

/** Ties the server's life to this process's; returns what stops it. */
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
