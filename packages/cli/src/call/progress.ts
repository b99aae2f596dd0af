import type { Terminal } from '../terminal/index.js';
import type { LoadResult } from './load.js';
import { headline, toJsonLine } from './summary.js';

/** What a load came to so far. */
export type LoadProgress = Pick<LoadResult, 'tally' | 'elapsedMs'>;

/** Tells on standard error how a load goes. */
export interface ProgressReport {
  tell(progress: LoadProgress): void;
  /** Resolves once all that was told is written, and nothing of it is left on a terminal. */
  end(): Promise<void>;
}

/** How a load's progress is told. */
export interface ProgressOptions {
  readonly stderr: Terminal;
  /** As `{"progress":…}`, of the shape that the load ends with. */
  readonly json: boolean;
  /** Whether it was asked for: where nobody looks on, it is told to those alone who want it. */
  readonly wanted: boolean;
}

/** Back to the line's beginning, and the line wiped out. */
const WIPE = '\r\u001b[K';

/** A line that is written over on a terminal; elsewhere lines one after the other, or nothing. */
export function createProgress({ stderr, json, wanted }: ProgressOptions): ProgressReport {
  let written = Promise.resolve();
  const write = (text: string) => {
    written = written.then(() => stderr.write(text));
  };
  const live = stderr.live && !json;
  return {
    tell(progress) {
      if (live) write(`${WIPE}${headline(progress)}`);
      else if (wanted) write(json ? `{"progress":${toJsonLine(progress)}}\n` : `${headline(progress)}\n`);
    },
    end() {
      if (live) write(WIPE);
      return written;
    },
  };
}
