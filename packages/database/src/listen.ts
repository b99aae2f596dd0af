import { Socket } from 'node:net';
import { Client } from 'pg';
import { classify } from './errors.js';
import { boundsOf } from './url-bounds.js';
import { withBounds } from './with-bounds.js';

const CONNECT_TIMEOUT_MS = 3_000;
/** A server that is gone never confirms the end of a connection. */
const CLOSE_GRACE_MS = 1_000;

/** What is listened to, and where. */
export interface ListenOptions {
  /** `postgres://role:password@host:port/database`. Not that of a pooler: a notification belongs to a session. */
  readonly url: string;
  /** The name that is given to `NOTIFY`. */
  readonly channel: string;
  /** Told the text of each notification; must not throw. */
  readonly onNotification: (payload: string) => void;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Bounds the connecting where `url` has no `connect_timeout`; default 3,000. */
  readonly connectTimeoutMs?: number;
}

/** A connection that hears notifications, until it breaks or is closed. */
export interface Listening {
  /** Resolves when it hears nothing more, for whatever reason. Nobody connects again by itself. */
  readonly ended: Promise<void>;
  /** Resolves when the server answers on this connection; else ends it and rejects. */
  check(timeoutMs: number): Promise<void>;
  /** Ends it; resolves when the connection is gone. */
  close(): Promise<void>;
}

/**
 * Opens a connection of its own and hears what is notified from now on (`LISTEN`). Notifications that came while there
 * was no connection are lost for good, so that they can only say that it's worth looking.
 *
 * @throws DatabaseUnavailable when the database is away or doesn't answer in time.
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { channel, onNotification } = options;
  const { connectTimeoutMs = CONNECT_TIMEOUT_MS } = { ...options, ...boundsOf(options.url) };
  const { client, ended, close } = connect(options, connectTimeoutMs);
  client.on('notification', ({ payload }) => onNotification(payload ?? ''));
  const run = async (timeoutMs: number, work: () => Promise<unknown>): Promise<void> => {
    try {
      await withBounds(work(), { timeoutMs }, () => undefined);
    } catch (error) {
      await close();
      throw classify(error);
    }
  };
  await run(connectTimeoutMs + CLOSE_GRACE_MS, async () => {
    await client.connect();
    await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
  });
  return { ended, close, check: (timeoutMs) => run(timeoutMs, () => client.query('SELECT 1')) };
}

/** The socket is ours, so that it can be destroyed where the server doesn't end it. */
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
    client.on('error', () => socket.destroy()); // the driver tells 'end' after it
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
