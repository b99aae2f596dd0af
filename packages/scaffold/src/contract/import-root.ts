import path from 'node:path';
import { type Closure, closureOf, type Search, type SourceFile } from './source.js';

/** What finding a root needs to know of files and packages. */
export interface RootSearch {
  readonly provides: Search['provides'];
  /** How `file` reads when its imports start from `root`. */
  readonly read: (file: string, root: string) => SourceFile | undefined;
  /** What is looked at after a root: the repository's own contracts. */
  readonly fallback: (importPath: string) => SourceFile | undefined;
  /** Where what a file imports is looked for, where that isn't under the same roots for all. */
  readonly rootsOf?: (importer: SourceFile) => readonly string[];
}

/**
 * Finds the folder from which the imports of `file` start: of those above it from which all of them are there, the one
 * under which it stands in the folder of its package (`a.b.v1` in `a/b/v1`), else the nearest. What isn't there is looked
 * for above the file that imports it, and only then in the repository: of what a user has and what is there, the two are to
 * be compared. Where no single folder will do, each import is looked for above its importer first. Where that isn't enough
 * either, what comes closest: `missing` says what it lacks. All of them are looked for under `roots` first.
 */
export function inferRoot(
  file: string,
  { roots, ...search }: RootSearch & { readonly roots: readonly string[] },
): Closure {
  const folders = ancestors(file);
  const enough = folders.filter((folder) => closureFrom([...roots, folder], file, search)?.missing.length === 0);
  const rootFirst = (folder: string) => (importer: SourceFile) => [...roots, folder, ...ancestors(importer.file)];
  const nearestFirst = (folder: string) => (importer: SourceFile) => [...roots, ...ancestors(importer.file), folder];
  const [tried, rootsOf] = enough.length > 0 ? [enough, rootFirst] : [folders, nearestFirst];
  const from = (folder: string) => closureFrom([folder], file, { ...search, rootsOf: rootsOf(folder) });
  const closures = tried.flatMap((folder) => from(folder) ?? []);
  const complete = closures.filter(({ missing }) => missing.length === 0);
  const best = complete.length > 0 ? complete : closures;
  const found = best.find(standsInPackage) ?? best[0];
  if (found === undefined) throw new TypeError(`${file} can't be read`);
  return found;
}

/**
 * What `file` imports, looked for under each of `roots` in turn; undefined where it stands under none of them.
 */
export function closureFrom(
  roots: readonly string[],
  file: string,
  { read, fallback, provides, rootsOf = () => roots }: RootSearch,
): Closure | undefined {
  const root = roots.find((folder) => isWithin(folder, file));
  const start = root === undefined ? undefined : read(file, root);
  if (start === undefined) return undefined;
  const find: Search['find'] = (importPath, importer) => {
    const found = firstDefined(rootsOf(importer), (folder) => read(path.join(folder, importPath), folder));
    return found ?? fallback(importPath);
  };
  return closureOf(start, { find, provides });
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
