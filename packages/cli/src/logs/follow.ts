import { type Clock, sleep } from '@rondo/rpc/clock';
import { LogFile } from './log-file.js';
import { listLogs, logPath, selectLogs } from './log-folder.js';
import type { LogLine } from './log-line.js';
import { mergeByTime } from './merge.js';

/** Which logs are read, and how. */
export interface ReadLogsOptions {
  readonly folder: string;
  /** An instance or a service; undefined for all. */
  readonly name: string | undefined;
  /** Whether to go on with what is written later. */
  readonly follow: boolean;
  readonly clock: Clock;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

/** How often files that are followed are looked at. Milliseconds. */
const POLL_MS = 200;

/** The lines of the logs by time; those that are followed as they come, with those of instances that come later. */
export async function* readLogs({ folder, name, follow, clock, signal }: ReadLogsOptions): AsyncGenerator<LogLine> {
  const files = new Map<string, LogFile>();
  try {
    do {
      for (const instance of selectLogs(name, await listLogs(folder))) {
        if (!files.has(instance)) files.set(instance, new LogFile(logPath(folder, instance), instance));
      }
      yield* mergeByTime([...files.values()].map((file) => file.read()));
    } while (follow && (await pause(clock, signal)));
    for (const file of files.values()) yield* file.flush();
  } finally {
    for (const file of files.values()) await file.close();
  }
}

/** Waits for the next look; false where it isn't wanted any more. */
async function pause(clock: Clock, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(clock, POLL_MS, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
