import type { CallOptions } from '@rondo/rpc/client';
import { formatTable } from '../terminal/table.js';
import { createPaint, type Paint, type Terminal } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import type { Load, LoadResult } from './load.js';

type LoadProgress = Pick<LoadResult, 'tally' | 'elapsedMs'>;

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

/** The phases in the order in which a call goes through them, and what each is. */
const PHASES = [
  ['resolve', 'resolveMs', 'waiting for the first lookup of the service'],
  ['connect', 'connectMs', 'waiting for a connection'],
  ['retries', 'retriesMs', 'attempts that failed, and waits between them'],
  ['queue', 'queueMs', 'waiting for busy event loops'],
  ['send', 'sendMs', 'first to last byte of the request'],
  ['propagation', 'propagationMs', 'on the way, there and back'],
  ['process', 'processMs', 'middleware and handler'],
  ['receive', 'receiveMs', 'first to last byte of the reply'],
] as const;

/** The width of the whole call. Characters. */
const WIDTH = 40;

/** The times of a call for people: a line for each phase, with its part of a bar. */
export function toTimingText(timing: Parameters<NonNullable<CallOptions['onTiming']>>[0], paint: Paint): string {
  const { totalMs } = timing;
  let before = 0;
  const lines = PHASES.map(([name, key, what]) => {
    const ms = timing[key];
    if (ms === undefined) return `  ${name.padEnd(11)}   unknown  ${' '.repeat(WIDTH)}  ${paint('dim', TOLD_BY_RONDO)}`;
    const from = cells(before, totalMs);
    before += ms;
    const bar = `${' '.repeat(from)}${'█'.repeat(Math.max(cells(before, totalMs) - from, ms > 0 ? 1 : 0))}`;
    return `  ${name.padEnd(11)} ${format(ms)}  ${paint('cyan', bar.slice(0, WIDTH + 1).padEnd(WIDTH))}  ${paint('dim', what)}`;
  });
  return `${[`total         ${format(totalMs)}`, ...lines].join('\n')}\n`;
}

const TOLD_BY_RONDO = 'only Rondo servers tell';

const cells = (ms: number, totalMs: number): number => (totalMs > 0 ? Math.round((ms / totalMs) * WIDTH) : 0);
const format = (ms: number): string => `${ms.toFixed(ms < 100 ? 2 : 0)} ms`.padStart(10);
