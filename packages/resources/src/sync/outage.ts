import type { SyncLog } from './options.js';

/** Logs the first of several failures in a row and the next success. */
export interface OutageLog {
  failed(error: unknown): void;
  succeeded(): void;
}

/** SQLSTATEs of a missing table or function. Before the migrations at startup they are expected. */
const NOT_YET = new Set(['42P01', '42883']);

/** Creates the log for the operation `what`. */
export function outageLog(log: SyncLog, what: string): OutageLog {
  let failing = false;
  let everSucceeded = false;
  return {
    failed(error) {
      const state = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
      if (failing || (!everSucceeded && typeof state === 'string' && NOT_YET.has(state))) return;
      failing = true;
      log.warn({ err: error }, `${what} failed, and is retried`);
    },
    succeeded() {
      everSucceeded = true;
      if (!failing) return;
      failing = false;
      log.info({}, `${what} succeeds again`);
    },
  };
}
