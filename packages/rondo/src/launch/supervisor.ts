/** Restarts processes that have ended by themselves, and gives up if they end too often. */
import { type Clock, systemClock, type Timer } from '@rondo/base';
import { messageOf } from '../workspace/errors.js';

const WINDOW_MS = 60_000;
const MAX_EXITS = 5;
const FIRST_DELAY_MS = 500;

/** The state of a process that has ended by itself at least once. */
export interface ProcessState {
  /**
   * `backoff`: it waits for its restart; `starting`: it isn't ready yet; `running`: it is ready; `failed`: it ended too often;
   * `ended`: `--no-restart` keeps it down.
   */
  readonly state: 'backoff' | 'starting' | 'running' | 'failed' | 'ended';
  /** Within the last minute. */
  readonly exits: number;
  /** `SIGKILL`, or `exit code 1`. */
  readonly lastExit: string;
  /** The time until the restart, in `backoff`. */
  readonly restartInMs?: number;
}

/** Starts a process again, and resolves to whether it became ready. If it rejects, the process couldn't be started: one more exit. */
type Begin = () => Promise<boolean>;

/** Whether processes are restarted, and how the user learns of it. */
interface SupervisorOptions {
  readonly restarts: boolean;
  readonly tell: (line: string) => void;
  /** The commands that show the log of a process and restart it. */
  readonly hint: (name: string) => { readonly logs: string; readonly restart: string };
  readonly clock?: Clock;
}

/** The exits of a process within the last minute, and what follows from them. */
interface Exits extends Pick<ProcessState, 'state' | 'lastExit'> {
  readonly times: readonly number[];
  readonly restartAt: number;
  readonly timer: Timer | undefined;
}

export type Supervisor = ReturnType<typeof createSupervisor>;

/** Restarts a process after 0.5 s, then after 1, 2 and 4 s. After the fifth exit within a minute the process stays down. */
export function createSupervisor({ restarts, tell, hint, clock = systemClock }: SupervisorOptions) {
  const processes = new Map<string, Exits>();
  const recent = (name: string) => processes.get(name)?.times.filter((at) => clock.now() - at < WINDOW_MS) ?? [];
  let closed = false;

  /** Reports an exit that wasn't requested. */
  const ended = (name: string, how: string, begin: Begin): void => {
    if (closed) return;
    const now = clock.now();
    const times = [...recent(name), now];
    const delayMs = FIRST_DELAY_MS * 2 ** (times.length - 1);
    processes.get(name)?.timer?.cancel();
    const note = (state: ProcessState['state'], timer?: Timer) =>
      processes.set(name, { state, times, lastExit: how, restartAt: now + delayMs, timer });
    const { logs, restart } = hint(name);
    if (!restarts) {
      note('ended');
      tell(`${name} has ended (${how}) and stays down, as --no-restart says. Its log: ${logs}`);
    } else if (times.length >= MAX_EXITS) {
      note('failed');
      tell(
        `${name} has ended (${how}), ${MAX_EXITS} times within a minute: it stays down. Its log: ${logs}\n` +
          `  Once the cause is fixed: ${restart}`,
      );
    } else {
      note('backoff', clock.setTimer(delayMs, startAgain));
      tell(`${name} has ended (${how}): it is restarted in ${delayMs / 1000} s. Its log: ${logs}`);
    }

    function startAgain(): void {
      note('starting');
      // The process may have ended again, or been stopped, while it started.
      const isLatest = () => !closed && processes.get(name)?.times === times;
      begin().then(
        (isReady) => {
          if (!isReady || !isLatest()) return;
          note('running');
          tell(`${name} runs again`);
        },
        (error) => {
          if (isLatest()) ended(name, messageOf(error), begin);
        },
      );
    }
  };

  return {
    ended,
    /** Cancels a restart that is due, and clears the count: for a process that is stopped or started on request. */
    forget(name: string): void {
      processes.get(name)?.timer?.cancel();
      processes.delete(name);
    },
    /** Undefined for a process that hasn't ended by itself. */
    stateOf(name: string): ProcessState | undefined {
      const process = processes.get(name);
      if (process === undefined) return undefined;
      const { state, lastExit, restartAt } = process;
      const restart =
        state === 'backoff' ? { restartInMs: Math.max(0, Math.round(restartAt - clock.now())) } : undefined;
      return { state, exits: recent(name).length, lastExit, ...restart };
    },
    /** Restarts nothing from now on. */
    close(): void {
      closed = true;
      for (const { timer } of processes.values()) timer?.cancel();
    },
  };
}
