import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

const CHUNK_BYTES = 256 * 1024;

/** What a file held when it was copied. */
export interface FileDigest {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Copies one file and waits until it is on disk; tells what was copied, as the source may be changing meanwhile. */
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

/** Makes the names in a folder survive a power failure, as `sync` of a file does for its content. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
