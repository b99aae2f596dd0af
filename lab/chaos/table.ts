import type { Scenario } from './scenario.js';
import type { Finding, Verdict } from './verdict.js';

/** A scenario and its verdicts. */
export interface Result {
  readonly scenario: Scenario;
  /** Why it wasn't run; undefined if it was. */
  readonly missing?: string;
  readonly verdict?: Verdict;
  /** The verdict of the run without the guard; undefined if there was none. */
  readonly control?: Verdict;
}

/** A scenario with what it measured, a line each. */
export function formatScenario({ name, fault, bound }: Scenario, { findings, holds }: Verdict, tookMs: number): string {
  const lines = findings.map((finding) => `${finding.holds ? 'measured' : 'missed  '}  ${inFull(finding)}`);
  const mark = holds ? 'ok    ' : 'MISSED';
  return indent([`${mark}   ${name}: ${fault} (${Math.round(tookMs / 1_000)} s)`, `bound     ${bound}`, ...lines]);
}

/** The run without the guard, which must miss a bound. */
export function formatControl({ control }: Scenario, verdict: Verdict): string {
  const misses = missesOf(verdict).map((finding) => `without   ${inFull(finding)}`);
  const nothing = showsFailures(verdict) ? [] : ['MISSED: this run fails nothing, so the scenario shows nothing'];
  return indent([`         control: ${control}`, ...misses, ...nothing]);
}

/** A scenario that can't be run here. */
export function formatSkipped({ name, fault }: Scenario, missing: string): string {
  return indent([`SKIPPED  ${name}: ${fault}`, `!!! ${missing}`]);
}

/** All results as a table in Markdown. */
export function formatTable(results: readonly Result[]): string {
  const lines = results.map(({ scenario, missing, verdict, control }) => [
    scenario.fault,
    scenario.bound,
    verdict === undefined ? `SKIPPED: ${missing}` : list(verdict.findings),
    control === undefined ? '' : `${scenario.control}: ${list(missesOf(control))}`,
    verdict === undefined ? '' : isWrong({ scenario, verdict, ...(control && { control }) }) ? '**missed**' : 'holds',
  ]);
  const head = ['fault', 'bound', 'measured', 'with the guard off', ''];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** Whether a bound was missed, or the control run shows nothing. */
export function isWrong({ verdict, control }: Result): boolean {
  return verdict?.holds === false || (control !== undefined && !showsFailures(control));
}

/** Whether a control run ended without an error, and missed a bound. */
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
