import type { Row } from './row.js';
import type { Finding, Verdict } from './verdict.js';

/** A row and what came of it. */
export interface Result {
  readonly row: Row;
  /** Why it wasn't run; undefined where it was. */
  readonly missing?: string;
  readonly verdict?: Verdict;
  /** What the run without the guard showed; undefined where there was none. */
  readonly control?: Verdict;
}

/** A row with what it measured, a line each. */
export function formatRow({ name, fault, bound }: Row, { findings, holds }: Verdict, tookMs: number): string {
  const lines = findings.map((finding) => `${finding.holds ? 'measured' : 'missed  '}  ${inFull(finding)}`);
  const mark = holds ? 'ok    ' : 'MISSED';
  return indent([`${mark}   ${name}: ${fault} (${Math.round(tookMs / 1_000)} s)`, `bound     ${bound}`, ...lines]);
}

/** The run without the guard, which has to show what the guard is for. */
export function formatControl({ control }: Row, verdict: Verdict): string {
  const misses = missesOf(verdict).map((finding) => `without   ${inFull(finding)}`);
  const nothing = showsFailures(verdict) ? [] : ['MISSED: this run fails nothing, so the row shows nothing'];
  return indent([`         control: ${control}`, ...misses, ...nothing]);
}

/** A row that can't be run here. */
export function formatSkipped({ name, fault }: Row, missing: string): string {
  return indent([`SKIPPED  ${name}: ${fault}`, `!!! ${missing}`]);
}

/** All of it once more, as a table in Markdown. */
export function formatTable(results: readonly Result[]): string {
  const lines = results.map(({ row, missing, verdict, control }) => [
    row.fault,
    row.bound,
    verdict === undefined ? `SKIPPED: ${missing}` : list(verdict.findings),
    control === undefined ? '' : `${row.control}: ${list(missesOf(control))}`,
    verdict === undefined ? '' : isWrong({ row, verdict, ...(control && { control }) }) ? '**missed**' : 'holds',
  ]);
  const head = ['fault', 'bound', 'measured', 'with the guard off', ''];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** Whether a bound was missed, or the control run shows nothing. */
export function isWrong({ verdict, control }: Result): boolean {
  return verdict?.holds === false || (control !== undefined && !showsFailures(control));
}

/** Whether a control run came to its end, and missed a bound. */
function showsFailures({ holds, brokenOff }: Verdict): boolean {
  return !holds && !brokenOff;
}

function missesOf({ findings }: Verdict): readonly Finding[] {
  return findings.filter(({ holds }) => !holds);
}

function list(findings: readonly Finding[]): string {
  return findings.map(({ text }) => text).join('; ');
}

function inFull({ text, detail }: Finding): string {
  return detail === undefined ? text : `${text} (${detail})`;
}

function indent([first = '', ...rest]: readonly string[]): string {
  return [first, ...rest.map((line) => `         ${line}`), ''].join('\n');
}
