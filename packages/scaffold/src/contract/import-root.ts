import path from 'node:path';
import { type Closure, closureOf, type Search, type SourceFile } from './source.js';

/** What finding a root needs to know of files and packages. */
export interface RootSearch {
  readonly provides: Search['provides'];
  /** How `file` reads when its imports start from `root`. */
  readonly read: (file: string, root: string) => SourceFile | undefined;
  /** What is looked at after a root: the repository's own contracts. */
  readonly fallback: Search['find'];
}

/**
 * Finds the folder from which the imports of `file` start: of those above it from which all of them are there, the one
 * under which it stands in the folder of its package (`a.b.v1` in `a/b/v1`), else the nearest. Where there is none, what
 * comes closest: `missing` says what it lacks.
 */
export function inferRoot(
  file: string,
  { roots, ...search }: RootSearch & { readonly roots: readonly string[] },
): Closure {
  const [nearest, ...further] = ancestors(file).map((folder) => closureFrom([folder, ...roots], file, search));
  if (nearest === undefined) throw new TypeError(`${file} can't be read`);
  const all = [nearest, ...further.filter((closure) => closure !== undefined)];
  const complete = all.filter(({ missing }) => missing.length === 0);
  const candidates = complete.length > 0 ? complete : all;
  return candidates.find(standsInPackage) ?? candidates[0] ?? nearest;
}

/**
 * What `file` imports, looked for under each of `roots` in turn; undefined where it stands under none of them.
 */
export function closureFrom(roots: readonly string[], file: string, search: RootSearch): Closure | undefined {
  const root = roots.find((folder) => isWithin(folder, file));
  const start = root === undefined ? undefined : search.read(file, root);
  if (start === undefined) return undefined;
  const find = (importPath: string) =>
    firstDefined(roots, (folder) => search.read(path.join(folder, importPath), folder)) ?? search.fallback(importPath);
  return closureOf(start, { find, provides: search.provides });
}

function standsInPackage({ start }: Closure): boolean {
  return path.posix.dirname(start.path) === start.scan.package.replaceAll('.', '/');
}

/** The folders above `file`, the nearest first. */
function ancestors(file: string): readonly string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...ancestors(folder)];
}

/** Whether `file` lies somewhere under `folder`. */
function isWithin(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '' && relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative);
}

function firstDefined<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
