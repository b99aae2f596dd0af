import { formatTable } from '../terminal/table.js';
import { createPaint, type Paint, type Terminal } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import type { Load, LoadResult } from './load.js';

/** The result of a load so far. */
type LoadProgress = Pick<LoadResult, 'tally' | 'elapsedMs'>;

/** How the progress of a load is printed. */
interface ProgressOptions {
  readonly stderr: Terminal;
  /** Whether to print `{"progress":…}`, with the fields of the final line. */
  readonly json: boolean;
  /** Whether the user asked for progress. A terminal shows it anyway. */
  readonly wanted: boolean;
}

/** On a terminal, one line that is overwritten; elsewhere a line each time, if `wanted`. */
export function createLoadProgress({ stderr, json, wanted }: ProgressOptions) {
  let written = Promise.resolve();
  const write = (text: string, over?: 'line') => {
    written = written.then(() => stderr.write(text, over));
  };
  const live = stderr.live && !json;
  return {
    tell(progress: LoadProgress): void {
      if (live) write(headline(progress), 'line');
      else if (wanted)
        write(json ? `${JSON.stringify({ progress: viewLoad(progress) })}\n` : `${headline(progress)}\n`);
    },
    /** Clears the line on a terminal. Resolves when all text is written. */
    end(): Promise<void> {
      if (live) write('', 'line');
      return written;
    },
  };
}

/** The result of a load for `--json`. */
export function viewLoad({ tally }: Pick<LoadResult, 'tally'>) {
  const { calls, failed, codes, instances, p50Ms, p99Ms } = tally;
  return { calls, failed, codes, instances, p50Ms, p99Ms };
}

/** One line: how many calls were made, how fast, and how many failed. */
function headline({ tally, elapsedMs }: LoadProgress, paint = createPaint(false)) {
  const seconds = elapsedMs / 1_000;
  const rate = seconds > 0 ? ` (${(tally.calls / seconds).toFixed(1)}/s)` : '';
  const failed = tally.failed === 0 ? 'none failed' : paint('red', `${tally.failed} failed`);
  const latency = `p50 ${tally.p50Ms ?? '-'} ms, p99 ${tally.p99Ms ?? '-'} ms`;
  return `${tally.calls} calls in ${seconds.toFixed(1)} s${rate}, ${failed}; ${latency}`;
}

/** The result of a load, for people. */
export function toSummary(result: LoadResult, paint: Paint): string {
  const { examples, codes, instances } = result.tally;
  const failures = Object.entries(examples).map(
    ([code, message]) => `${paint('red', `${codes[code]} × ${code}`)}: ${printable(message)}\n`,
  );
  const rows = Object.entries(instances);
  const table = rows.length === 0 ? '' : formatTable([['INSTANCE', 'CALLS'], ...rows]);
  return [`${headline(result, paint)}\n`, failures.join(''), table].filter((part) => part !== '').join('\n');
}

/** A warning about calls that the rate asked for and that weren't made; empty if they are few. */
export function explainNotBegun({ notBegun }: LoadResult, { rate = 0, concurrency }: Load): string {
  if (notBegun <= rate * HARDLY_BEHIND_S) return '';
  return `rondo: ${notBegun} calls were due and not begun, as ${concurrency} were in flight: raise --concurrency or lower --rate\n`;
}

const HARDLY_BEHIND_S = 0.1;
