import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { type FileDigest, writeDurably } from './files.js';

const FORMAT = 1;
const FILE = 'manifest.json';
const REMEDY = 'take another backup, or restore from another';

/** The content of a backup. */
export interface Manifest {
  /** PostgreSQL's major version; other versions can't read the data. */
  readonly postgresMajor: string;
  /** Platform and processor, such as `linux-x64`; others can't read the data. */
  readonly platform: string;
  /** When it was complete, ISO 8601. It includes everything that was committed by `startTime`. */
  readonly time: string;
  readonly startTime: string;
  readonly timeline: number;
  /** Every file of the backup by its path, with `/` between folders. */
  readonly files: Readonly<Record<string, FileDigest>>;
  /** All folders of the data: their files may be dropped during the backup. */
  readonly folders: readonly string[];
}

/**
 * A backup that can't be restored, or a target folder that can't be used. The message names the file and the remedy.
 */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** Written last: a backup without a manifest isn't complete. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const content = JSON.stringify(manifest);
  const text = JSON.stringify({ format: FORMAT, sha256: digest(content), manifest }, null, 1);
  await writeDurably(join(folder, FILE), `${text}\n`);
}

/**
 * Reads and checks the manifest.
 *
 * @throws BackupError if it is missing, damaged or of a newer version of Rondo.
 */
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

/** @throws BackupError if this PostgreSQL can't read the data. */
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

/** The error for a file that differs from the manifest. */
export const damaged = (path: string): BackupError =>
  new BackupError(`${path} is damaged: it differs from the manifest; ${REMEDY}.`);

/** The error for a missing file. */
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
