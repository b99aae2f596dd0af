import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { findServer } from '../embedded/found-server.js';
import { copyFile, type FileDigest, forEachBounded, isAbsent, selectFiles, syncFolder, writeDurably } from './files.js';
import { BackupError, type Manifest, writeManifest } from './manifest.js';
import { type BackupSession, beginBackup } from './session.js';

/** What to back up, and where to. */
export interface BackUpOptions {
  /** The folder of the running embedded server. */
  readonly directory: string;
  /** The folder of the backup; absent or empty. */
  readonly to: string;
  /** Additional files of the data: their paths, by their names in the backup. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A complete backup on disk. */
export interface Backup extends Manifest {
  readonly folder: string;
  readonly sizeBytes: number;
}

/**
 * Takes a base backup of a running embedded server: its files, copied while it runs, and the WAL that makes them
 * consistent (PostgreSQL manual, 25.3.4). It includes all databases and prepared transactions. The backup appears at
 * `to` only when it is complete.
 *
 * @throws BackupError if the server doesn't run, or `to` isn't empty.
 */
export async function backUp({ directory, to, files = {} }: BackUpOptions): Promise<Backup> {
  const folder = resolve(to);
  await requireEmpty(folder);
  const server = findServer(directory);
  if (server === undefined) {
    throw new BackupError(
      `No server runs on ${directory}: start it first (the folder of a stopped server can simply be copied).`,
    );
  }
  await mkdir(dirname(folder), { recursive: true });
  const partial = await mkdtemp(`${folder}.partial-`);
  try {
    const manifest = await fill(partial, server.url, { ...files, password: join(server.home, 'password') });
    await rename(partial, folder);
    await syncFolder(dirname(folder));
    return { ...manifest, folder, sizeBytes: sum(Object.values(manifest.files)) };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function fill(folder: string, url: string, more: Readonly<Record<string, string>>): Promise<Manifest> {
  const startTime = new Date().toISOString();
  const files: Record<string, FileDigest> = {};
  const session = await beginBackup(url);
  try {
    const folders = await copyData(folder, session, files);
    for (const [name, from] of Object.entries(more)) {
      files[name] = await writeDurably(join(folder, name), readFileSync(from));
    }
    await Promise.all(foldersOf(files).map((one) => syncFolder(join(folder, one))));
    const { major: postgresMajor, timeline } = session;
    const platform = `${process.platform}-${process.arch}`;
    const time = new Date().toISOString();
    const manifest: Manifest = { postgresMajor, platform, time, startTime, timeline, files, folders };
    await writeManifest(folder, manifest);
    await syncFolder(folder);
    return manifest;
  } finally {
    await session.close();
  }
}

/** Copies the files, then the label and the WAL: the slot keeps each segment until it is copied. */
async function copyData(folder: string, session: BackupSession, files: Record<string, FileDigest>): Promise<string[]> {
  const { data } = session;
  const { files: found, folders } = await selectFiles(data);
  await forEachBounded(found, async (file) => {
    const digest = await copyUnlessDropped(join(data, file), join(folder, 'data', file));
    if (digest !== undefined) files[`data/${file}`] = digest;
  });
  const { label, segments } = await session.stop();
  for (const segment of segments) {
    files[`data/pg_wal/${segment}`] = await copyFile(
      join(data, 'pg_wal', segment),
      join(folder, 'data/pg_wal', segment),
    );
  }
  for (const history of (await readdir(join(data, 'pg_wal'))).filter((name) => name.endsWith('.history'))) {
    files[`data/pg_wal/${history}`] = await copyFile(
      join(data, 'pg_wal', history),
      join(folder, 'data/pg_wal', history),
    );
  }
  files['data/backup_label'] = await writeDurably(join(folder, 'data/backup_label'), label);
  return folders.map((one) => `data/${one}`);
}

/** A file may be dropped during the backup; the WAL then drops it in the copy, too. */
async function copyUnlessDropped(from: string, to: string): Promise<FileDigest | undefined> {
  try {
    return await copyFile(from, to);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** @throws BackupError if the folder isn't empty. */
export async function requireEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw new BackupError(`${folder} can't be used: ${error instanceof Error ? error.message : error}.`, {
      cause: error,
    });
  });
  if (entries.length > 0)
    throw new BackupError(`${folder} isn't empty (it has ${basename(entries[0] ?? '')}): name another folder.`);
}

const foldersOf = (files: Readonly<Record<string, unknown>>): string[] => [...new Set(Object.keys(files).map(dirname))];

const sum = (files: readonly FileDigest[]): number => files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
