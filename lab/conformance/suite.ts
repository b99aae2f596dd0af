import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, start } from '@rondo/harness';

/** A run of the suite. */
interface SuiteOptions {
  readonly connectconformance: string;
  readonly side: Side;
  readonly implementation: Implementation;
  /** The folder of the built service. */
  readonly dist: string;
  /** Further variables for the program under test. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the suite; resolves to what differs from the lists of cases that fail, and why. */
export async function runSuite(options: SuiteOptions): Promise<readonly string[]> {
  const { connectconformance, side, implementation, dist, env = {} } = options;
  const failing = groupsOf({ side, implementation, known: 'failing' });
  const flaky = groupsOf({ side, implementation, known: 'flaky' });
  const args = [
    ...['--mode', side, ...configOf(implementation)],
    ...patterns('--known-failing', failing),
    ...patterns('--known-flaky', flaky),
    ...['--', process.execPath, join(dist, `${implementation}-${side}.js`)],
  ];
  const { code, stdout, stderr } = await start(connectconformance, args, { env }).ended;
  const output = stdout + stderr;
  const unlike = [...knownFailures(output)].flatMap(([name, text]) =>
    unlikeItsGroups(name, text, [...failing, ...flaky]),
  );
  // If a client ends too soon, some cases can't be run: the suite reports neither them nor the run as failed.
  const whole = code === 0 && /^Total cases: \d+$/m.test(output) && !output.includes('could not be run');
  return whole ? unlike : [surprisesIn(output), ...unlike];
}

/** The suite gives a server 10 s to start. A busy machine starts several gateways at once less soon. */
function configOf(implementation: Implementation): readonly string[] {
  const config = (name: string) => ['--conf', join(root, 'lab/conformance', name)];
  return implementation === 'gateway'
    ? [...config('gateway.yaml'), '--max-servers', '1', '--parallel', '4']
    : config('suite.yaml');
}

/** Each pattern as an option of its own, as the suite reads only one file of patterns. */
function patterns(flag: string, groups: readonly Group[]): readonly string[] {
  const distinct = new Set(groups.flatMap((group) => group.patterns));
  return [...distinct].flatMap((pattern) => [flag, pattern]);
}

/** What the suite reports of the cases that fail as listed, by case. */
function knownFailures(output: string): ReadonlyMap<string, string> {
  const found = output.matchAll(/^INFO: (.+) failed \(as expected\):\n((?:\t.*\n)*)/gm);
  return new Map([...found].map(([, name = '', text = '']) => [name, text]));
}

/** A case that fails as listed must fail for all the listed reasons, and for no other. */
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

const LISTS = join(root, 'lab/conformance/lists');

/** Which end of a call is under test. */
type Side = 'server' | 'client';

/** What is under test: Rondo, or the gateway in front of it. */
type Implementation = 'rondo' | 'gateway';

/** What is known about cases: they fail, or they fail now and then. */
type Known = 'failing' | 'flaky';

/** Cases that fail for one reason. */
interface Group {
  readonly file: string;
  /** What the suite reports of such a case. */
  readonly words: RegExp;
  readonly patterns: readonly string[];
}

/** Which lists are read. */
interface Selection {
  readonly side: Side;
  readonly implementation: Implementation;
  readonly known: Known;
}

/** @throws Error if a group doesn't say how its cases fail. */
function groupsOf({ side, implementation, known }: Selection): readonly Group[] {
  const file = `${side}-${implementation}-${known}.txt`;
  return existsSync(join(LISTS, file)) ? groupsIn(file) : [];
}

/** A group is a comment, of which one line is `# Says: <regular expression>`, and one pattern a line. */
function groupsIn(file: string): readonly Group[] {
  const blocks = readFileSync(join(LISTS, file), 'utf8').split(/\n{2,}(?=#)/);
  return blocks.map((block) => {
    const [, words] = /^# Says: (.+)$/m.exec(block) ?? [];
    if (words === undefined) throw new Error(`${file}: a group has no line "# Says: <regular expression>":\n${block}`);
    const patterns = block.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
    return { file, words: new RegExp(words, 'g'), patterns };
  });
}

/** Whether a pattern matches a case's name: `*` stands for one part of the name, `**` for any number of parts. */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('/').map((part) => {
    if (part === '**') return '(?:[^/]+/)*';
    return part === '*' ? '[^/]+/' : `${part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/`;
  });
  return new RegExp(`^${parts.join('')}$`).test(`${name}/`);
}
