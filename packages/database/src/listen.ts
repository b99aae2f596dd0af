import { Socket } from 'node:net';
import { Client } from 'pg';
import { classify } from './errors.js';
import { type Hosts, hostsOf } from './hosts.js';
import { boundsOf } from './url-bounds.js';
import { withBounds } from './with-bounds.js';

const CONNECT_TIMEOUT_MS = 3_000;
/** A server that is gone never confirms the end of a connection. */
const CLOSE_GRACE_MS = 1_000;

/** What to listen to. */
export interface ListenOptions {
  /** `postgres://role:password@host:port/database`. Don't use a pooler's address: notifications belong to a session. */
  readonly url: string;
  /** The channel of `NOTIFY`. */
  readonly channel: string;
  /** Receives the payload of each notification; must not throw. */
  readonly onNotification: (payload: string) => void;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Timeout for connecting, if `url` has no `connect_timeout`; default 3,000. */
  readonly connectTimeoutMs?: number;
}

/** A connection that receives notifications until it breaks or is closed. */
export interface Listening {
  /** Resolves when the connection has ended for any reason. It doesn't reconnect. */
  readonly ended: Promise<void>;
  /** Resolves if the server answers on this connection; otherwise closes it and rejects. */
  check(timeoutMs: number): Promise<void>;
  /** Closes the connection; resolves when it is gone. */
  close(): Promise<void>;
}

/**
 * Opens a connection and receives notifications from now on (`LISTEN`). Notifications without a connection are lost. So
 * treat a notification as a hint to look, and look after each new connection.
 *
 * @throws DatabaseUnavailable if the database is unavailable or doesn't answer in time.
 */
export function listen(options: ListenOptions): Promise<Listening> {
  const hosts = hostsOf(options.url);
  return hosts.first(() => listenAt(hosts, options));
}

async function listenAt(hosts: Hosts, options: ListenOptions): Promise<Listening> {
  const { channel, onNotification } = options;
  const { connectTimeoutMs = CONNECT_TIMEOUT_MS } = { ...options, ...boundsOf(options.url) };
  const timeoutMs = hosts.count > 1 ? hosts.timeoutMs : connectTimeoutMs;
  const { client, ended, close } = connect({ ...options, url: hosts.url }, timeoutMs);
  client.on('notification', ({ payload }) => onNotification(payload ?? ''));
  const run = async (timeoutMs: number, work: () => Promise<unknown>): Promise<void> => {
    try {
      await withBounds(work(), { timeoutMs }, () => undefined);
    } catch (error) {
      await close();
      throw classify(error);
    }
  };
  await run(timeoutMs + CLOSE_GRACE_MS, async () => {
    await client.connect();
    await hosts.check(client);
    await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
  });
  return { ended, close, check: (timeoutMs) => run(timeoutMs, () => client.query('SELECT 1')) };
}

/** The socket is created here, so that it can be destroyed if the server doesn't end it. */
function connect({ url, applicationName }: ListenOptions, connectTimeoutMs: number) {
  const socket = new Socket();
  const client = new Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    stream: () => socket,
  });
  const ended = new Promise<void>((resolve) => {
    client.on('error', () => socket.destroy()); // the driver emits 'end' after it
    client.on('end', resolve);
    socket.on('close', () => resolve());
  });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= endClient(client, socket);
    return closing;
  };
  return { client, ended, close };
}

function endClient(client: Client, socket: Socket): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS);
  return client.end().finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}
