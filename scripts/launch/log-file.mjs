/** Where a process's output goes. */
import { createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';

/**
 * A file of its own for each start that was asked for; the one before stays as `.previous`. A restart after a crash
 * goes on in the same file: what led to the crash stands there.
 * @param {string} data
 * @param {string} name
 * @param {{ append?: boolean }} [options]
 * @returns {import('node:fs').WriteStream}
 */
export function openLog(data, name, { append = false } = {}) {
  const folder = path.join(data, 'logs');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.log`);
  if (!append && existsSync(file)) renameSync(file, `${file}.previous`);
  return createWriteStream(file, { flags: append ? 'a' : 'w' });
}
