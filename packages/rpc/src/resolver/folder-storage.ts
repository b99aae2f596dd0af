/** The one file here that touches the disk. */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../clock/index.js';
import type { EndpointStorage } from './last-known.js';

/** Read as a whole: what is larger is none of ours. */
const MAX_SIZE_BYTES = 4 * 1024 * 1024;

/**
 * Keeps each text in a file of its own in `folder`, which is made where it is missing. Several processes may share it: a
 * file is replaced as a whole. Files can be read by their owner alone.
 */
export function folderStorage(folder: string, random: Random): EndpointStorage {
  const locate = (name: string) => join(folder, encodeURIComponent(name));
  return {
    locate,
    read: (name) => readText(locate(name)),
    async write(name, text) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = locate(name);
      const draft = `${path}.${random.hex(6)}.tmp`;
      const file = await open(draft, 'wx', 0o600);
      try {
        await writeWhole(file, text);
        await rename(draft, path);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
  };
}

async function writeWhole(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text);
    // On the disk before it takes the other's place: a crash leaves one of the two.
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readText(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    if (size > MAX_SIZE_BYTES) throw new Error(`the file is larger than ${MAX_SIZE_BYTES} bytes`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
