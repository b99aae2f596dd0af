import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@rondo/harness';

const LISTS = join(root, 'e2e/conformance/lists');

/** Which end of a call is under test. */
export type Side = 'server' | 'client';

/** What is under test: Rondo, or the same program on grpc-js alone. */
export type Implementation = 'rondo' | 'plain';

/** What is known of cases: they fail, they fail now and then, or they can't be run. */
export type Known = 'failing' | 'flaky' | 'skipped';

/** Cases that fail for one reason. */
export interface Group {
  readonly file: string;
  /** What the suite says of such a case. */
  readonly words: RegExp;
  readonly patterns: readonly string[];
}

/** Which cases are meant. */
export interface Selection {
  readonly side: Side;
  readonly implementation: Implementation;
  readonly known: Known;
}

/**
 * The groups of cases of which something is known, from the lists of both implementations and of this one alone.
 *
 * @throws Error if a group doesn't say how its cases fail.
 */
export function groupsOf({ side, implementation, known }: Selection): readonly Group[] {
  const names = [`${side}-both-${known}.txt`, `${side}-${implementation}-${known}.txt`];
  return names.filter((name) => existsSync(join(LISTS, name))).flatMap(groupsIn);
}

/** After a comment, of which one line is `# Says: <regular expression>`, a group has one pattern a line. */
function groupsIn(file: string): readonly Group[] {
  const blocks = readFileSync(join(LISTS, file), 'utf8').split(/\n{2,}(?=#)/);
  return blocks.map((block) => {
    const [, words] = /^# Says: (.+)$/m.exec(block) ?? [];
    if (words === undefined) throw new Error(`${file}: a group has no line "# Says: <regular expression>":\n${block}`);
    const patterns = block.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
    return { file, words: new RegExp(words, 'g'), patterns };
  });
}

/** Whether a pattern is one of the case: `*` stands for one part of its name, `**` for any number of them. */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('/').map((part) => {
    if (part === '**') return '(?:[^/]+/)*';
    return part === '*' ? '[^/]+/' : `${part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/`;
  });
  return new RegExp(`^${parts.join('')}$`).test(`${name}/`);
}
