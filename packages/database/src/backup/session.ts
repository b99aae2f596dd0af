import { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 120_000;
const SEGMENT_BYTES = 16n * 1024n * 1024n;

/** A backup under way on a server, which keeps the WAL that it needs. */
export interface BackupSession {
  readonly timeline: number;
  readonly data: string;
  readonly major: string;
  /** Ends it: the label for the copy, and the WAL segments that make it consistent, all of them on disk. */
  stop(): Promise<{ readonly label: string; readonly segments: readonly string[] }>;
  /** Leaves; a backup that isn't stopped is given up. */
  close(): Promise<void>;
}

/** Begins a backup: what is copied from now on can be made consistent. */
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
    broken ??= error; // told by the next statement
  });
  const ask = async (sql: string, params: readonly unknown[] = []): Promise<Record<string, string>> => {
    if (broken !== undefined) throw new Error('the server went away during the backup', { cause: broken });
    return (await client.query(sql, [...params])).rows[0];
  };
  await client.connect();
  try {
    const start = await begin(ask);
    const stop = async () => {
      const stopped = await ask(
        'SELECT lsn, labelfile, spcmapfile, lsn - $1::pg_lsn AS bytes FROM pg_backup_stop(wait_for_archive => false)',
        [start['lsn']],
      );
      const { names } = Object(await ask(SEGMENTS, [start['lsn'], stopped['lsn'], String(SEGMENT_BYTES)]));
      return { label: stopped['labelfile'] ?? '', segments: names };
    };
    const close = async () => void (await client.end());
    return { timeline: Number(start['timeline']), data: start['data'] ?? '', major: start['major'] ?? '', stop, close };
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** The names of all segments from the first record's to the last's: a byte of each is enough to name it. */
const SEGMENTS = `
  SELECT array_agg(DISTINCT pg_walfile_name($1::pg_lsn + least(step, $2::pg_lsn - $1::pg_lsn))) AS names
  FROM generate_series(0::numeric, ($2::pg_lsn - $1::pg_lsn) + $3::numeric, $3::numeric) AS step`;

type Ask = (sql: string, params?: readonly unknown[]) => Promise<Record<string, string>>;

/** The slot keeps the server from reusing WAL until this connection ends. */
async function begin(ask: Ask): Promise<Record<string, string>> {
  const { spaces } = await ask(
    "SELECT count(*) AS spaces FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')",
  );
  if (spaces !== '0') throw new Error('the server has tablespaces outside its folder: back it up by pg_basebackup');
  await ask('SELECT pg_create_physical_replication_slot($1, true, true)', [`rondo_backup_${process.pid}`]);
  return await ask(`
    SELECT lsn, (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
      current_setting('data_directory') AS data, current_setting('server_version_num')::int / 10000 || '' AS major
    FROM pg_backup_start('rondo', fast => true) AS lsn`);
}
