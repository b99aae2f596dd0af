import { join } from 'node:path';
import { root, start } from '@rondo/harness';
import { type Group, groupsOf, type Implementation, matches, type Side } from './lists.js';

/** A run of the suite. */
export interface SuiteOptions {
  readonly connectconformance: string;
  readonly side: Side;
  readonly implementation: Implementation;
  /** The folder of the built service. */
  readonly dist: string;
}

/** What came of a run. */
export interface Outcome {
  /** Cases that were run. */
  readonly cases: number;
  readonly passed: number;
  /** The names of those that failed. */
  readonly failed: readonly string[];
  /** The patterns of those that fail now and then. */
  readonly flaky: readonly string[];
  /** The patterns of those that can't be run. */
  readonly skipped: readonly string[];
  /** What differs from the lists; empty when nothing does. */
  readonly surprises: readonly string[];
}

/** Runs the suite, and compares what fails, and why, with the lists. */
export async function runSuite({ connectconformance, side, implementation, dist }: SuiteOptions): Promise<Outcome> {
  const failing = groupsOf({ side, implementation, known: 'failing' });
  const flaky = groupsOf({ side, implementation, known: 'flaky' });
  const skipped = groupsOf({ side, implementation, known: 'skipped' });
  const { code, stdout, stderr } = await start(connectconformance, [
    ...['--mode', side, '--conf', join(root, 'e2e/conformance/suite.yaml')],
    ...patterns('--known-failing', failing),
    ...patterns('--known-flaky', flaky),
    ...patterns('--skip', skipped),
    ...['--', process.execPath, join(dist, `${implementation}-${side}.js`)],
  ]).ended;
  const output = stdout + stderr;
  const [, cases = '', passed = ''] = /^Total cases: (\d+)\n(\d+) passed/m.exec(output) ?? [];
  const failures = knownFailures(output);
  const unlike = [...failures].flatMap(([name, text]) => unlikeItsGroups(name, text, [...failing, ...flaky]));
  // A client that ends too soon leaves cases that could not be run: the suite calls neither them nor the run failed.
  const whole = code === 0 && cases !== '' && !output.includes('could not be run');
  return {
    cases: Number(cases),
    passed: Number(passed),
    failed: [...failures.keys(), ...unknownFailures(output)],
    flaky: flaky.flatMap((group) => group.patterns),
    skipped: skipped.flatMap((group) => group.patterns),
    surprises: whole ? unlike : [surprisesIn(output), ...unlike],
  };
}

/** Each pattern by itself: of several files the suite reads one. */
function patterns(flag: string, groups: readonly Group[]): readonly string[] {
  const distinct = new Set(groups.flatMap((group) => group.patterns));
  return [...distinct].flatMap((pattern) => [flag, pattern]);
}

/** By case, what the suite says of those that fail as listed. */
function knownFailures(output: string): ReadonlyMap<string, string> {
  const found = output.matchAll(/^INFO: (.+) failed \(as expected\):\n((?:\t.*\n)*)/gm);
  return new Map([...found].map(([, name = '', text = '']) => [name, text]));
}

function unknownFailures(output: string): readonly string[] {
  return [...output.matchAll(/^FAILED: (.+):$/gm)].map(([, name = '']) => name);
}

/** A case that fails as listed must fail for the reasons listed, for all of them and for no other. */
function unlikeItsGroups(name: string, text: string, groups: readonly Group[]): readonly string[] {
  const own = groups.filter(({ patterns }) => patterns.some((pattern) => matches(pattern, name)));
  const unsaid = own.filter(({ words }) => text.search(words) < 0);
  const rest = own.reduce((left, { words }) => left.replaceAll(words, ''), text).replace(/[\s;]+/g, ' ');
  return [
    ...unsaid.map(({ file, words }) => `${name}: ${file} lists it for what it doesn't say any more: ${words.source}`),
    ...(rest.trim() === '' ? [] : [`${name}: fails for what is not listed: ${rest}`]),
  ];
}

function surprisesIn(output: string): string {
  return output.replaceAll(/^INFO: .*\n(?:\t.*\n)*/gm, '');
}
