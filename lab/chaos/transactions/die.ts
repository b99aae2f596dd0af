/**
 * Preloaded into a service by `node --import`. It kills the process, as `kill -9` does, at the point of two-phase commit that the
 * file `CHAOS_DIE_AT` names, and removes the file.
 */
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync, rmSync } from 'node:fs';
import { describe, type ProtocolPoint } from './point.js';

const file = process.env.CHAOS_DIE_AT ?? '';

subscribe('rondo.transactions', (message) => {
  // Only @rondo/transactions publishes there.
  if (armedFor() !== describe(message as ProtocolPoint)) return;
  rmSync(file);
  process.kill(process.pid, 'SIGKILL');
});

function armedFor(): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Usually there is no file.
    return undefined;
  }
}
