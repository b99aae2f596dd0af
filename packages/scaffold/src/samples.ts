import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { filesAt, readText } from './repository.js';
import { removeEntries } from './root-files/json-entries.js';
import { parseYaml } from './root-files/yaml-file.js';

/**
 * The file that says what goes with a service beside its folder and its contracts: an object of path → services. The file or
 * folder at the path needs all of these services, so it is removed with the first of them. There is no such file if
 * nothing goes with a service.
 */
export const SAMPLES = 'samples.json';

/** The paths that are removed with a service, in the order of {@link SAMPLES}. */
export function pathsWith(root: string, service: string): readonly string[] {
  if (!existsSync(path.join(root, SAMPLES))) return [];
  const entries = Object.entries(Object(parseYaml(SAMPLES, readText(root, SAMPLES)).value()));
  return entries.filter(([, needed]) => Array.isArray(needed) && needed.includes(service)).map(([file]) => file);
}

/** Whether a path is one of `removed`, or below one of them. */
export const isBelow = (file: string, removed: readonly string[]): boolean =>
  removed.some((one) => file === one || file.startsWith(`${one}/`));

const SKIPPED = new Set(['.git', '.rondo', 'bundle', 'coverage', 'node_modules', 'dist']);
/** Generated files, and the tests that have marks in their texts. */
const NOT_OURS = [
  'packages/contracts/src',
  'pnpm-lock.yaml',
  ...['remove-service', 'samples', 'unlisted'].map((name) => `packages/scaffold/src/${name}.test.ts`),
];
const TEXT = /\.(?:md|m?[jt]s|ya?ml|sh|py|go|toml)$|(?:^|\/)Dockerfile$|^\.ci\/\w+$/;

/** The files of the repository that can have marks or links, as paths from its root. */
export function textFiles(root: string): readonly string[] {
  return readdirSync(root)
    .filter((name) => !SKIPPED.has(name))
    .flatMap((name) => filesAt(root, name))
    .filter((file) => TEXT.test(file) && !isBelow(file, NOT_OURS));
}

/** A comment that begins with `sample:` and names services. */
const MARK = /(?:<!--|\/\/|#) sample: ([a-z][a-z\d, -]*?) ?(?:-->.*)?$/;
const END = /(?:<!--|\/\/|#) \/sample\b/;
const COMMENT_ALONE = /^\s*(?:<!--|\/\/|#)/;

/**
 * The lines of a text that are marked as parts of a service, by their indices. A comment `sample: NAME` at the end of a line marks
 * that line. As a line of its own it marks the lines up to a comment `/sample`, with both comments.
 */
export function linesOf(text: string, service: string): ReadonlySet<number> {
  const lines = text.split('\n');
  const found = new Set<number>();
  let inside = false;
  for (const [index, line] of lines.entries()) {
    const names = MARK.exec(line)?.[1]?.split(/, */) ?? [];
    const begins = names.includes(service);
    if (begins || inside) found.add(index);
    if (begins && COMMENT_ALONE.test(line)) inside = true;
    if (END.test(line)) inside = false;
  }
  return found;
}

/** Whether a text has a mark on a line of its own that no `/sample` ends: it would take the rest of the file with it. */
export function isUnclosed(text: string): boolean {
  let inside = false;
  for (const line of text.split('\n')) {
    const begins = MARK.test(line) && COMMENT_ALONE.test(line);
    if (begins && inside) return true;
    inside = (inside || begins) && !END.test(line);
  }
  return inside;
}

/** Removes the lines of a text that are marked as parts of a service. Where that leaves two blank lines in a row, it removes one. */
export function withoutMarked(text: string, service: string): string {
  const gone = linesOf(text, service);
  if (gone.size === 0) return text;
  const kept: string[] = [];
  let cut = false;
  for (const [index, line] of text.split('\n').entries()) {
    if (gone.has(index)) {
      cut = true;
      continue;
    }
    if (!cut || line !== '' || (kept.at(-1) ?? '') !== '') kept.push(line);
    cut = false;
  }
  return kept.join('\n');
}

const LINK = /\[((?:[^\][]|\[[^\]]*\])*)\]\(([^)#\s]+)(?:#[^)]*)?\)/g;

/** Replaces the links of a Markdown file that lead to removed files by their texts. */
export function withoutLinks(text: string, file: string, removed: readonly string[]): string {
  return text.replaceAll(LINK, (link: string, label: string, target: string) =>
    isBelow(path.posix.join(path.posix.dirname(file), target).replace(/\/$/, ''), removed) ? label : link,
  );
}

/** Removes the entries of {@link SAMPLES} for removed paths and for what was below them; undefined if none is left. */
export function withoutEntries(text: string, paths: readonly string[]): string | undefined {
  const rest = removeEntries(text, { file: SAMPLES }, (key) => isBelow(key, paths));
  return Object.keys(Object(JSON.parse(rest))).length === 0 ? undefined : rest;
}
