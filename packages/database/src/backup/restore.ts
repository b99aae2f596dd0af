import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { locateEmbeddedBinaries, serverAccount } from '../embedded/binaries.js';
import { adoptCluster } from '../embedded/cluster.js';
import { startEmbeddedPostgres } from '../embedded/start.js';
import { createPool } from '../pool.js';
import { requireEmpty } from './back-up.js';
import { copyFile, type FileDigest, forEachBounded, isAbsent, syncFolder } from './files.js';
import { BackupError, damaged, type Manifest, missing, readManifest, requireReadable } from './manifest.js';

/** What to restore, and where to. */
export interface RestoreOptions {
  readonly from: string;
  /** The folder of the whole system; absent or empty. */
  readonly to: string;
  /** The folder in `to` for the embedded server; default `postgres`. */
  readonly directory?: string;
  /** Port on 127.0.0.1, used during recovery. */
  readonly port: number;
  readonly log?: (line: string) => void;
}

/** A restored system, ready to start. */
export interface Restored {
  /** When the backup was complete. */
  readonly time: string;
  /** A new timeline. A client that saw changes after the backup can tell by it that the history differs. */
  readonly timeline: number;
  /** Number of prepared transactions without a decision. */
  readonly prepared: number;
}

/** As root the server runs as another user and must enter the folder; each file has its own mode. */
const OPEN_TO_THE_SERVER = 0o755;
/** No archive: the backup has all the WAL that it needs. */
const NO_ARCHIVE = 'exit 1';
/** Recovery after a long backup of a busy server takes long. */
const RECOVERY_TIMEOUT_MS = 3_600_000;

/**
 * Restores a backup of `backUp` into a new folder. It checks every file and runs PostgreSQL's recovery, so that the
 * restored server is known to start. The folder appears only when that is done.
 *
 * @throws BackupError if a file of the backup is missing or damaged, if the backup is of another version or platform,
 *   or if `to` isn't empty.
 */
export async function restore({ from, to, directory = 'postgres', port, log }: RestoreOptions): Promise<Restored> {
  const [backup, target] = [resolve(from), resolve(to)];
  const manifest = await readManifest(backup);
  requireReadable(backup, manifest, locateEmbeddedBinaries().major);
  await requireEmpty(target);
  await mkdir(dirname(target), { recursive: true });
  const partial = await mkdtemp(`${target}.partial-`);
  await chmod(partial, OPEN_TO_THE_SERVER);
  try {
    await copyFurther(backup, partial, manifest);
    const discard = await adoptCluster(join(partial, directory), serverAccount(), (home) =>
      fill(backup, home, manifest),
    );
    try {
      const recovered = await recover(join(partial, directory), port, log);
      await rename(partial, target);
      await syncFolder(dirname(target));
      return { time: manifest.time, ...recovered };
    } catch (error) {
      discard();
      throw error;
    }
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** Copies all files as this user; the cluster's files are given to the server's account afterwards. */
async function fill(backup: string, home: string, manifest: Manifest): Promise<void> {
  for (const folder of manifest.folders) await mkdir(join(home, folder), { recursive: true, mode: 0o700 });
  await forEachBounded(Object.entries(manifest.files), async ([file, digest]) => {
    if (isOfCluster(file)) await copyChecked(join(backup, file), join(home, file), digest);
  });
  // Archive recovery ends on a new timeline; crash recovery doesn't.
  await writeFile(join(home, 'data/recovery.signal'), '', { mode: 0o600 });
}

async function copyFurther(backup: string, target: string, { files }: Manifest): Promise<void> {
  for (const [file, digest] of Object.entries(files)) {
    if (!isOfCluster(file)) await copyChecked(join(backup, file), join(target, file), digest);
  }
}

const isOfCluster = (file: string): boolean => file === 'password' || file.startsWith('data/');

async function copyChecked(from: string, to: string, { sizeBytes, sha256 }: FileDigest): Promise<void> {
  const copied = await copyFile(from, to).catch((error: unknown) => {
    throw isAbsent(error) ? missing(from, error) : error;
  });
  if (copied.sha256 !== sha256 || copied.sizeBytes !== sizeBytes) throw damaged(from);
}

async function recover(directory: string, port: number, log?: (line: string) => void): Promise<Omit<Restored, 'time'>> {
  const settings = { restore_command: NO_ARCHIVE, recovery_target_timeline: 'current' };
  const server = await startEmbeddedPostgres({
    directory,
    port,
    settings,
    startTimeoutMs: RECOVERY_TIMEOUT_MS,
    ...(log && { log }),
  }).catch((cause: unknown) => {
    throw new BackupError(`PostgreSQL can't recover the backup: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  });
  const pool = createPool({ url: server.url, maxConnections: 1 });
  try {
    // After the checkpoint the next start needs no recovery.
    await pool.query('CHECKPOINT');
    return await pool.one<Omit<Restored, 'time'>>(
      'SELECT (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline, (SELECT count(*)::int FROM pg_prepared_xacts) AS prepared',
    );
  } finally {
    await pool.close();
    await server.stop();
  }
}
