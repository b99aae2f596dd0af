/**
 * Preloaded into a service by `node --import`: the process ends as by `kill -9` at the point of two-phase commit that stands
 * in the file `CHAOS_DIE_AT`, once.
 */
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync, rmSync } from 'node:fs';
import { TRANSACTIONS_CHANNEL, type TransactionEvent } from '@rondo/transactions';
import { describe } from './point.js';

const file = process.env.CHAOS_DIE_AT ?? '';

subscribe(TRANSACTIONS_CHANNEL, (message) => {
  // Published by @rondo/transactions alone.
  if (armedFor() !== describe(message as TransactionEvent)) return;
  rmSync(file);
  process.kill(process.pid, 'SIGKILL');
});

function armedFor(): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // There is none most of the time.
    return undefined;
  }
}
