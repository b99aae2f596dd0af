import { type Terminal, createPaint, type Paint } from '../terminal/terminal.js';
import type { LoadResult, Load } from './load.js';
import { formatTable } from '../terminal/table.js';
import { printable } from '../terminal/text.js';

/** What a load came to so far. */
type LoadProgress = Pick<LoadResult, 'tally' | 'elapsedMs'>;

/** Tells on standard error how a load goes. */
interface ProgressReport {
  tell(progress: LoadProgress): void;
  /** Resolves once all that was told is written, and nothing of it is left on a terminal. */
  end(): Promise<void>;
}

/** How a load's progress is told. */
interface ProgressOptions {
  readonly stderr: Terminal;
  /** As `{"progress":…}`, of the shape that the load ends with. */
  readonly json: boolean;
  /** Whether it was asked for: where nobody looks on, it is told to those alone who want it. */
  readonly wanted: boolean;
}

/** Back to the line's beginning, and the line wiped out. */
const WIPE = '\r\u001b[K';

/** A line that is written over on a terminal; elsewhere lines one after the other, or nothing. */
export function createLoadProgress({ stderr, json, wanted }: ProgressOptions): ProgressReport {
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

/** The one line that a load with `--json` ends with. */
export function toJsonLine({ tally }: Pick<LoadResult, 'tally'>): string {
  const { calls, failed, codes, instances, p50Ms, p99Ms } = tally;
  return JSON.stringify({ calls, failed, codes, instances, p50Ms, p99Ms });
}

/** How many calls there were, how fast, and how they ended, on one line. */
function headline({ tally, elapsedMs }: Pick<LoadResult, 'tally' | 'elapsedMs'>, paint = createPaint(false)) {
  const seconds = elapsedMs / 1_000;
  const rate = seconds > 0 ? ` (${(tally.calls / seconds).toFixed(1)}/s)` : '';
  const failed = tally.failed === 0 ? 'none failed' : paint('red', `${tally.failed} failed`);
  const latency = `p50 ${tally.p50Ms ?? '-'} ms, p99 ${tally.p99Ms ?? '-'} ms`;
  return `${tally.calls} calls in ${seconds.toFixed(1)} s${rate}, ${failed}; ${latency}`;
}

/** What a load came to, for people. */
export function toSummary(result: LoadResult, paint: Paint): string {
  return [`${headline(result, paint)}\n`, failures(result, paint), instanceTable(result)]
    .filter((part) => part !== '')
    .join('\n');
}

/** What to say of calls that the rate asked for and that weren't made; empty where the load was hardly behind. */
export function explainNotBegun({ notBegun }: LoadResult, { rate = 0, concurrency }: Load): string {
  if (notBegun <= rate * HARDLY_BEHIND_S) return '';
  return `rondo: ${notBegun} calls were due and not begun, as ${concurrency} were in flight: raise --concurrency or lower --rate\n`;
}

const HARDLY_BEHIND_S = 0.1;

function failures({ tally }: LoadResult, paint: Paint): string {
  return Object.entries(tally.examples)
    .map(([code, message]) => `${paint('red', `${tally.codes[code]} × ${code}`)}: ${printable(message)}\n`)
    .join('');
}

function instanceTable({ tally }: LoadResult): string {
  const rows = Object.entries(tally.instances).map(([instance, calls]) => [instance, String(calls)]);
  return rows.length === 0 ? '' : formatTable([['INSTANCE', 'CALLS'], ...rows]);
}
