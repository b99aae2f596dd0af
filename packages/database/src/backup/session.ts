import { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 120_000;
const SEGMENT_BYTES = 16n * 1024n * 1024n;

/** A running backup on a server, which keeps the WAL that the backup needs. */
export interface BackupSession {
  readonly timeline: number;
  readonly data: string;
  readonly major: string;
  /**
   * Ends the backup. Returns the label for the copy, and the WAL segments that make it consistent, which are on disk.
   */
  stop(): Promise<{ readonly label: string; readonly segments: readonly string[] }>;
  /** Disconnects; a backup that isn't stopped is abandoned. */
  close(): Promise<void>;
}

/** Starts a backup: files copied from now on can be made consistent. */
export async function beginBackup(url: string): Promise<BackupSession> {
  const client = new Client({
    connectionString: url,
    application_name: 'rondo backup',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
    keepAlive: true,
  });
  let broken: Error | undefined;
  client.on('error', (error) => {
    broken ??= error; // thrown by the next statement
  });
  const query = async (sql: string, params: readonly unknown[] = []): Promise<Record<string, string>> => {
    if (broken !== undefined) throw new Error('the server went away during the backup', { cause: broken });
    return (await client.query(sql, [...params])).rows[0];
  };
  await client.connect();
  try {
    const start = await begin(query);
    const stop = async () => {
      const stopped = await query(
        'SELECT lsn, labelfile, spcmapfile, lsn - $1::pg_lsn AS bytes FROM pg_backup_stop(wait_for_archive => false)',
        [start['lsn']],
      );
      const { names } = Object(await query(SEGMENTS, [start['lsn'], stopped['lsn'], String(SEGMENT_BYTES)]));
      return { label: stopped['labelfile'] ?? '', segments: names };
    };
    const close = async () => void (await client.end());
    return { timeline: Number(start['timeline']), data: start['data'] ?? '', major: start['major'] ?? '', stop, close };
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** The names of all segments from the first record's to the last's, each found by one byte in it. */
const SEGMENTS = `
  SELECT array_agg(DISTINCT pg_walfile_name($1::pg_lsn + least(step, $2::pg_lsn - $1::pg_lsn))) AS names
  FROM generate_series(0::numeric, ($2::pg_lsn - $1::pg_lsn) + $3::numeric, $3::numeric) AS step`;

type Query = (sql: string, params?: readonly unknown[]) => Promise<Record<string, string>>;

/** Starts the backup with a slot that keeps the server from reusing WAL until this connection ends. */
async function begin(query: Query): Promise<Record<string, string>> {
  const { spaces } = await query(
    "SELECT count(*) AS spaces FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')",
  );
  if (spaces !== '0') throw new Error('the server has tablespaces outside its folder: back it up by pg_basebackup');
  await query('SELECT pg_create_physical_replication_slot($1, true, true)', [`rondo_backup_${process.pid}`]);
  return await query(`
    SELECT lsn, (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
      current_setting('data_directory') AS data, current_setting('server_version_num')::int / 10000 || '' AS major
    FROM pg_backup_start('rondo', fast => true) AS lsn`);
}
