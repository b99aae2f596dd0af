import type { SyncLog } from './options.js';

/** Logs the first of a row of failures and its end, not each. */
export interface OutageLog {
  failed(error: unknown): void;
  succeeded(): void;
}

/** SQLSTATEs of a table or function that isn't there: at the start, before the migrations, nothing to speak of. */
const NOT_YET = new Set(['42P01', '42883']);

/** Logs the failures of what is named. */
export function outageLog(log: SyncLog, what: string): OutageLog {
  let away = false;
  let everSucceeded = false;
  return {
    failed(error) {
      const state = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
      if (away || (!everSucceeded && typeof state === 'string' && NOT_YET.has(state))) return;
      away = true;
      log.warn({ err: error }, `${what} failed, and is tried again`);
    },
    succeeded() {
      everSucceeded = true;
      if (!away) return;
      away = false;
      log.info({}, `${what} succeeds again`);
    },
  };
}
