/**
 * Preloaded into a service by `node --import`. It kills the process, as `kill -9` does, at the point of two-phase commit that the
 * file `CHAOS_DIE_AT` names, and removes the file.
 */
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync, rmSync } from 'node:fs';
import { TRANSACTIONS_CHANNEL, type TransactionEvent } from '@rondo/transactions';
import { describe } from './point.js';

const file = process.env.CHAOS_DIE_AT ?? '';

subscribe(TRANSACTIONS_CHANNEL, (message) => {
  // Only @rondo/transactions publishes there.
  if (armedFor() !== describe(message as TransactionEvent)) return;
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
