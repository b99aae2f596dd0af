/** Starts processes again that have ended without being told to, and gives up where that doesn't help. */

const WINDOW_MS = 60_000;
const MAX_EXITS = 5;
const FIRST_DELAY_MS = 500;

/**
 * @typedef {object} Clock
 * @property {() => number} now In milliseconds.
 * @property {(delayMs: number, work: () => void) => () => void} after Returns what cancels it.
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
 * What became of a process that has ended at least once by itself: `backoff` waits for its restart, `starting` isn't
 * ready yet, `running` is, `failed` ended too often, and `ended` isn't restarted, as of `--no-restart`.
 * @typedef {object} Standing
 * @property {'backoff' | 'starting' | 'running' | 'failed' | 'ended'} state
 * @property {number} exits Within the last minute.
 * @property {string} lastExit `SIGKILL`, or `exit code 1`.
 * @property {number} [restartInMs] Of one in `backoff`.
 */

/**
 * @typedef {object} Supervisor
 * @property {(name: string, how: string, begin: () => Promise<boolean>) => void} ended Is told of each exit that was
 *   not asked for. `begin` starts the process again and resolves to whether it became ready; where it rejects, the
 *   process couldn't be started, which counts as an exit.
 * @property {(name: string) => void} forget Cancels a restart that is due, and clears the count: for a process that is
 *   stopped, or started, on request.
 * @property {(name: string) => Standing | undefined} standingOf Undefined for one that hasn't ended by itself.
 * @property {() => void} close Nothing is restarted from now on.
 */

/**
 * Restarts after 0.5 s, then 1, 2 and 4 s. The fifth exit within a minute is the last.
 * @param {{ restarts: boolean, tell: (line: string) => void, hint: (name: string) => { logs: string, restart: string },
 *   clock?: Clock }} options `hint` gives the commands that show the log of a process, and restart it.
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
      const delayMs = FIRST_DELAY_MS * 2 ** (record.exits.length - 1);
      Object.assign(record, { state: 'backoff', restartAt: now + delayMs });
      record.cancel = clock.after(delayMs, () => restartNow(name, record, begin));
      tell(`${name} has ended (${how}): it is restarted in ${delayMs / 1000} s. Its log: ${logs}`);
    }
  };

  const restartNow = (name, record, begin) => {
    const { exits } = record;
    // It may have ended once more, or been stopped, while it came up.
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
    standingOf(name) {
      const { state, exits, lastExit, restartAt } = records.get(name) ?? {};
      if (state === undefined) return undefined;
      const now = clock.now();
      const standing = { state, exits: recent(exits, now).length, lastExit };
      return state === 'backoff' ? { ...standing, restartInMs: Math.max(0, Math.round(restartAt - now)) } : standing;
    },
    close() {
      closed = true;
      for (const { cancel } of records.values()) cancel?.();
    },
  };
}

const recent = (exits, now) => exits.filter((at) => now - at < WINDOW_MS);
