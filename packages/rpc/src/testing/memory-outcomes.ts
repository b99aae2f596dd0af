import type { KeyedCall, StoredOutcome } from '@rondo/base';
import type { OutcomeStore } from '../call/outcome-store.js';

/** The oldest outcome is forgotten for the one after these. */
const MAX_OUTCOMES = 10_000;

/**
 * Stores the outcomes of calls with idempotency keys in this process, for tests of services without a database. It keeps at
 * most 10,000, whatever their contracts say.
 */
export function createMemoryOutcomes(): OutcomeStore {
  const outcomes = new Map<string, StoredOutcome>();
  /** For each key in use: settles when the last call that waits for it has ended. */
  const running = new Map<string, Promise<void>>();
  return {
    find: async (call) => outcomes.get(idOf(call)),
    async add(call, outcome) {
      const id = idOf(call);
      const stored = outcomes.get(id) ?? { ...outcome, fingerprint: call.fingerprint };
      outcomes.set(id, stored);
      const [oldest] = outcomes.keys();
      if (outcomes.size > MAX_OUTCOMES && oldest !== undefined) outcomes.delete(oldest);
      return stored;
    },
    async lock(call, { signal }) {
      const id = idOf(call);
      const before = running.get(id);
      let release: () => void = () => undefined;
      const ended = new Promise<void>((resolve) => {
        release = resolve;
      });
      const last = Promise.all([before, ended]).then(() => {
        if (running.get(id) === last) running.delete(id);
      });
      running.set(id, last);
      try {
        await untilAborted(before, signal);
      } catch (error) {
        release();
        throw error;
      }
      return release;
    },
  };
}

const idOf = ({ method, caller, key }: KeyedCall): string => JSON.stringify([method, caller, key]);

function untilAborted(ended: Promise<void> | undefined, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason);
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    void (ended ?? Promise.resolve()).then(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
  });
}
