import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { type FileDigest, writeDurably } from './files.js';

const FORMAT = 1;
const FILE = 'manifest.json';
const REMEDY = 'take another backup, or restore from another';

/** What a backup holds. */
export interface Manifest {
  /** PostgreSQL's major version: no other reads the data. */
  readonly postgresMajor: string;
  /** `linux-x64`: data of another processor can't be read. */
  readonly platform: string;
  /** When it was complete, ISO 8601; what was committed by `startTime` is in it. */
  readonly time: string;
  readonly startTime: string;
  readonly timeline: number;
  /** Every file of it, by its path, `/` between the folders. */
  readonly files: Readonly<Record<string, FileDigest>>;
  /** Folders that are empty and have to be there. */
  readonly folders: readonly string[];
}

/** A backup that can't be restored, or a place where it can't be; the message says which file, and what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** Written last: a backup without it isn't complete. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const content = JSON.stringify(manifest);
  const text = JSON.stringify({ format: FORMAT, sha256: digest(content), manifest }, null, 1);
  await writeDurably(join(folder, FILE), `${text}\n`);
}

/** @throws BackupError where it is missing, damaged or of a newer version of Rondo. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, FILE);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BackupError(`${path} can't be read: this is no backup, or not a complete one; ${REMEDY}.`, { cause });
  });
  const parsed = parse(path, text);
  if (parsed.format !== FORMAT) {
    throw new BackupError(`${path} is of format ${parsed.format}, this reads ${FORMAT}: use the Rondo that made it.`);
  }
  if (parsed.sha256 !== digest(JSON.stringify(parsed.manifest))) throw damaged(path);
  const outside = Object.keys(parsed.manifest.files).find(
    (file) => isAbsolute(file) || normalize(file).startsWith('..'),
  );
  if (outside !== undefined) throw new BackupError(`${path} names a file outside the backup, ${outside}: ${REMEDY}.`);
  return parsed.manifest;
}

/** Refuses data that this PostgreSQL can't read. */
export function requireReadable(folder: string, manifest: Manifest, major: string): void {
  if (manifest.postgresMajor !== major) {
    throw new BackupError(
      `${join(folder, 'data/PG_VERSION')} is of PostgreSQL ${manifest.postgresMajor}, this is ${major}: restore it with ` +
        'the version that made it, and move the data by pg_dump.',
    );
  }
  const platform = `${process.platform}-${process.arch}`;
  if (manifest.platform !== platform) {
    throw new BackupError(
      `${folder} was taken on ${manifest.platform}, this is ${platform}: move the data by pg_dump.`,
    );
  }
}

/** What a file whose content isn't that of the manifest is told as. */
export const damaged = (path: string): BackupError =>
  new BackupError(`${path} is damaged: it isn't what the manifest says; ${REMEDY}.`);

/** What a file that isn't there is told as. */
export const missing = (path: string, cause: unknown): BackupError =>
  new BackupError(`${path} can't be read, so the backup isn't complete: ${REMEDY}.`, { cause });

interface Stored {
  readonly format: unknown;
  readonly sha256: unknown;
  readonly manifest: Manifest;
}

function parse(path: string, text: string): Stored {
  try {
    const { format, sha256, manifest } = JSON.parse(text);
    return { format, sha256, manifest };
  } catch {
    throw damaged(path);
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
