import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Folders that PostgreSQL fills at each start, and `pg_wal`, from which a backup takes only the segments that it needs.
 */
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

/** The parts of a data folder that a backup takes (PostgreSQL manual, 25.3.4). */
interface Selection {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** Lists a running server's data folder. */
export async function selectFiles(data: string): Promise<Selection> {
  const files: string[] = [];
  const folders: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    const entries = EMPTIED.has(folder) ? [] : await entriesOf(join(data, folder));
    if (folder !== '') folders.push(folder);
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (LEFT_OUT.test(path)) continue;
      if (entry.isDirectory()) await visit(path);
      else if (entry.isFile()) files.push(path);
    }
  };
  await visit('');
  return { files, folders: [...folders, 'pg_wal/archive_status', 'pg_wal/summaries'] };
}

/** A folder may be dropped during the backup; recovery drops it, too. */
async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Whether the error means that a file doesn't exist. */
export const isAbsent = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';

const CHUNK_BYTES = 256 * 1024;

/** The content of a file at the time of the copy. */
export interface FileDigest {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Copies a file and waits until it is on disk. Returns the digest of the copy, because the source may be changing. */
export async function copyFile(from: string, to: string): Promise<FileDigest> {
  const source = await open(from, 'r');
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    const target = await open(to, 'wx', 0o600);
    try {
      return await copyContent(source, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copyContent(source: FileHandle, target: FileHandle): Promise<FileDigest> {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let sizeBytes = 0;
  for (;;) {
    const { bytesRead } = await source.read(chunk, 0, chunk.length, sizeBytes);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    await target.writeFile(chunk.subarray(0, bytesRead));
    sizeBytes += bytesRead;
  }
  await target.sync();
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** Writes a file and waits until it is on disk. */
export async function writeDurably(to: string, content: string | Buffer): Promise<FileDigest> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const target = await open(to, 'wx', 0o600);
  try {
    await target.writeFile(content);
    await target.sync();
  } finally {
    await target.close();
  }
  const bytes = Buffer.from(content);
  return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Makes the names in a folder durable, as `sync` of a file does for its content. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** How many files are processed at once: the disk makes several durable with one flush. */
const AT_ONCE = 16;

/** Does `work` for each item, a few at once. After a failure it starts no more, and waits for those in progress. */
export async function forEachBounded<Item>(items: Iterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  let failed = false;
  const worker = async () => {
    for (let next = rest.next(); next.done !== true && !failed; next = rest.next()) {
      await work(next.value).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  const rejected = outcomes.find((outcome) => outcome.status === 'rejected');
  if (rejected !== undefined) throw rejected.reason;
}
