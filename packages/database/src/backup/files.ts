import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders that PostgreSQL fills anew at each start, and `pg_wal`, of which a backup takes what it needs itself. */
const EMPTIED = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);
const LEFT_OUT = /(^|\/)(pgsql_tmp[^/]*|pg_internal\.init[^/]*|postmaster\.(pid|opts)|backup_label|tablespace_map)$/;

/** What of a data folder a backup takes (PostgreSQL manual, 25.3.4). */
export interface Selection {
  readonly files: readonly string[];
  readonly emptyFolders: readonly string[];
}

/** Lists a running server's data folder. */
export async function selectFiles(data: string): Promise<Selection> {
  const files: string[] = [];
  const emptyFolders: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    const entries = EMPTIED.has(folder) ? [] : await entriesOf(join(data, folder));
    if (entries.length === 0 && folder !== '') emptyFolders.push(folder);
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (LEFT_OUT.test(path)) continue;
      if (entry.isDirectory()) await visit(path);
      else if (entry.isFile()) files.push(path);
    }
  };
  await visit('');
  return { files, emptyFolders: [...emptyFolders, 'pg_wal/archive_status', 'pg_wal/summaries'] };
}

/** A folder that was dropped meanwhile had nothing: recovery drops it too. */
async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Whether a file wasn't there. */
export const isAbsent = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
