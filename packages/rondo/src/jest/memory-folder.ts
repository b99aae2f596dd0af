import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Linux keeps this folder in memory. */
const MEMORY = '/dev/shm';
/** An empty PostgreSQL has 40 MB, and several test files run at once. */
const PLENTY_BYTES = 4 * 2 ** 30;
const PREFIX = 'rondo-tests-';

/**
 * Moves the folder for temporary files into memory if there is plenty, because a disk takes longer to create and remove an
 * empty PostgreSQL than a test takes to run. `TMPDIR_ON_DISK` is the folder as it was, for what belongs on a disk.
 */
export default function moveTemporaryFolder(): void {
  process.env['TMPDIR_ON_DISK'] ??= tmpdir();
  const { bavail, bsize } = existsSync(MEMORY) ? statfsSync(MEMORY) : { bavail: 0, bsize: 0 };
  if (bavail * bsize <= PLENTY_BYTES) return;
  for (const name of readdirSync(MEMORY).filter(wasLeftBehind)) {
    // The PostgreSQL of a run that has just been killed writes until it notices.
    rmSync(path.join(MEMORY, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
  const folder = mkdtempSync(path.join(MEMORY, `${PREFIX}${process.pid}-`));
  chmodSync(folder, 0o755); // as root the tests' PostgreSQL is another user
  process.env['TMPDIR'] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}

/** Whether a folder is of a run that was killed. */
function wasLeftBehind(name: string): boolean {
  if (!name.startsWith(PREFIX)) return false;
  const pid = Number(name.slice(PREFIX.length).split('-')[0]);
  return !existsSync(`/proc/${pid}`);
}
