import type { CallRecord } from './load/protocol.js';

/** One thing that a scenario measured. */
export interface Finding {
  readonly text: string;
  /** More about it, for a reader who looks into a miss. */
  readonly detail?: string;
  /** Whether its bound holds. */
  readonly holds: boolean;
}

/** Collects what a scenario measured. */
export class Verdict {
  readonly findings: Finding[] = [];
  /** Whether the run ended with an error, which says nothing about the guard. */
  brokenOff = false;

  /** Whether every bound holds. */
  get holds(): boolean {
    return this.findings.every(({ holds }) => holds);
  }

  /** No call may have failed, and there must be at least one. */
  noFailures(calls: readonly CallRecord[], what = ''): void {
    const failed = calls.filter(isFailed);
    const text = `${format(failed.length)} of ${[format(calls.length), what].join(' ').trim()} failed`;
    if (failed.length > 0) this.findings.push({ text, detail: reasons(failed), holds: false });
    else this.check(text, calls.length > 0);
  }

  /** A figure of at most `boundMs`. */
  within(what: string, ms: number, boundMs: number): void {
    this.check(`${what} ${formatMs(ms)}`, ms <= boundMs);
  }

  /** A condition, with what was found. */
  check(text: string, holds: boolean): void {
    this.findings.push({ text, holds });
  }

  /** A figure without a bound. */
  note(text: string): void {
    this.check(text, true);
  }

  breakOff(error: unknown): void {
    this.brokenOff = true;
    this.check(`broken off: ${error instanceof Error ? error.message : String(error)}`, false);
  }
}

/** Whether a call failed. */
export function isFailed({ code }: CallRecord): boolean {
  return code !== 'OK';
}

/** The 99th percentile by nearest rank; NaN of no values. */
export function p99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
}

/** Milliseconds as people read them. */
export function formatMs(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

const format = (count: number) => count.toLocaleString('en');

/** How often each code occurred, with one message of the most frequent code. */
function reasons(failed: readonly CallRecord[]): string {
  const counts = new Map<string, number>();
  for (const { code } of failed) counts.set(code, (counts.get(code) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  const codes = [...counts].map(([code, count]) => `${count} ${code}`).join(', ');
  const example = failed.find(({ code }) => code === first?.[0])?.message ?? '';
  return `${codes}: ${example.length > 320 ? `${example.slice(0, 320)} …` : example}`;
}
