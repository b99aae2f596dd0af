/** Restarts processes that have ended by themselves, and gives up if they end too often. */
import { backoffMs } from '../workspace/backoff.js';

const WINDOW_MS = 60_000;
const MAX_EXITS = 5;
const FIRST_DELAY_MS = 500;

/**
 * @typedef {object} Clock
 * @property {() => number} now In milliseconds.
 * @property {(delayMs: number, work: () => void) => () => void} after Returns a function that cancels the timer.
 */

/** @type {Clock} */
const SYSTEM_CLOCK = {
  now: () => performance.now(),
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * The state of a process that has ended by itself at least once. `backoff`: it waits for its restart; `starting`: it isn't ready
 * yet; `running`: it is ready; `failed`: it ended too often; `ended`: `--no-restart` keeps it down.
 * @typedef {object} ProcessState
 * @property {'backoff' | 'starting' | 'running' | 'failed' | 'ended'} state
 * @property {number} exits Within the last minute.
 * @property {string} lastExit `SIGKILL`, or `exit code 1`.
 * @property {number} [restartInMs] The time until the restart, in `backoff`.
 */

/**
 * @typedef {object} Supervisor
 * @property {(name: string, how: string, begin: () => Promise<boolean>) => void} ended Reports an exit that wasn't requested.
 *   `begin` starts the process again and resolves to whether it became ready. If it rejects, the process couldn't be started,
 *   which counts as an exit.
 * @property {(name: string) => void} forget Cancels a restart that is due, and clears the count: for a process that is stopped
 *   or started on request.
 * @property {(name: string) => ProcessState | undefined} stateOf Undefined for a process that hasn't ended by itself.
 * @property {() => void} close Restarts nothing from now on.
 */

/**
 * Makes a supervisor that restarts a process after 0.5 s, then after 1, 2 and 4 s. After the fifth exit within a minute the
 * process stays down.
 * @param {{ restarts: boolean, tell: (line: string) => void, hint: (name: string) => { logs: string, restart: string },
 *   clock?: Clock }} options `hint` returns the commands that show the log of a process and restart it.
 * @returns {Supervisor}
 */
export function createSupervisor({ restarts, tell, hint, clock = SYSTEM_CLOCK }) {
  const records = new Map();
  let closed = false;

  const ended = (name, how, begin) => {
    if (closed) return;
    const record = records.get(name) ?? { exits: [] };
    records.set(name, record);
    const now = clock.now();
    record.exits = [...recent(record.exits, now), now];
    record.lastExit = how;
    record.cancel?.();
    const { logs, restart } = hint(name);
    if (!restarts) {
      record.state = 'ended';
      tell(`${name} has ended (${how}) and stays down, as --no-restart says. Its log: ${logs}`);
    } else if (record.exits.length >= MAX_EXITS) {
      record.state = 'failed';
      tell(
        `${name} has ended (${how}), ${MAX_EXITS} times within a minute: it stays down. Its log: ${logs}\n` +
          `  Once the cause is fixed: ${restart}`,
      );
    } else {
      const delayMs = backoffMs(record.exits.length, FIRST_DELAY_MS);
      Object.assign(record, { state: 'backoff', restartAt: now + delayMs });
      record.cancel = clock.after(delayMs, () => restartNow(name, record, begin));
      tell(`${name} has ended (${how}): it is restarted in ${delayMs / 1000} s. Its log: ${logs}`);
    }
  };

  const restartNow = (name, record, begin) => {
    const { exits } = record;
    // The process may have ended again, or been stopped, while it started.
    const isStillThis = () => !closed && records.get(name) === record && record.exits === exits;
    record.state = 'starting';
    begin().then(
      (isReady) => {
        if (!isReady || !isStillThis()) return;
        record.state = 'running';
        tell(`${name} runs again`);
      },
      (error) => {
        if (isStillThis()) ended(name, error.message, begin);
      },
    );
  };

  return {
    ended,
    forget(name) {
      records.get(name)?.cancel?.();
      records.delete(name);
    },
    stateOf(name) {
      const { state, exits, lastExit, restartAt } = records.get(name) ?? {};
      if (state === undefined) return undefined;
      const now = clock.now();
      const found = { state, exits: recent(exits, now).length, lastExit };
      return state === 'backoff' ? { ...found, restartInMs: Math.max(0, Math.round(restartAt - now)) } : found;
    },
    close() {
      closed = true;
      for (const { cancel } of records.values()) cancel?.();
    },
  };
}

const recent = (exits, now) => exits.filter((at) => now - at < WINDOW_MS);
