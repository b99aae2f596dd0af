import path from 'node:path';
import type { Provides } from './platform.js';
import type { Import, Scan } from './scan.js';

/** How to find files and packages during the search for a root. */
export interface RootSearch {
  readonly provides: Search['provides'];
  /** Reads `file` as a file whose imports start from `root`. */
  readonly read: (file: string, root: string) => SourceFile | undefined;
  /** Searched after the roots: the repository's own contracts. */
  readonly fallback: (importPath: string) => SourceFile | undefined;
  /** The roots for the imports of a file, if they aren't the same for all files. */
  readonly rootsOf?: (importer: SourceFile) => readonly string[];
}

/**
 * Finds the folder from which the imports of `file` start.
 *
 * The candidates are the folders above the file from which all imports can be found. Preferred is the one under which
 * the file lies in the folder of its package (`a.b.v1` in `a/b/v1`), else the nearest. An import that isn't there is
 * searched above the file that imports it, and only then in the repository, so that a user's version is compared with
 * the one in the repository. If no single folder works, each import is searched above its importer first. If that isn't
 * enough either, the closest result is returned, and `missing` lists what it lacks. All imports are searched under
 * `roots` first.
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

/** All files that `file` imports, directly or not. Looks for `file` in each of `roots` in turn; undefined if none has it. */
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

/** A `.proto` file at its place. */
export interface SourceFile {
  /** Its import path. */
  readonly path: string;
  /** Its absolute path. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly scan: Scan;
}

/** An import that wasn't found. */
export interface Missing {
  readonly importer: SourceFile;
  readonly import: Import;
}

/** An ambiguous import: it would replace another file of the same import path, or add the same file twice. */
export interface Clash extends Missing {
  /** The file that the import path means for this importer. */
  readonly found: SourceFile;
  /** The file that it means for another importer; the same file if that one imports it by another path. */
  readonly taken: SourceFile;
}

/** A file with its direct and indirect imports. */
export interface Closure {
  readonly start: SourceFile;
  /** Without the files that packages provide. */
  readonly imports: readonly SourceFile[];
  readonly missing: readonly Missing[];
  /** Empty if all imports start from the same folders. */
  readonly clashes: readonly Clash[];
}

/** How imports are searched. */
interface Search {
  /** The file with this import path for an importer; undefined if there is none. */
  readonly find: (importPath: string, importer: SourceFile) => SourceFile | undefined;
  /** The imports that needn't be found, because packages provide them. */
  readonly provides: Provides;
}

/** Follows the imports of `start`, except those that packages provide. */
function closureOf(start: SourceFile, { find, provides }: Search): Closure {
  const files = new Map([[start.path, start]]);
  const missing: Missing[] = [];
  const clashes: Clash[] = [];
  for (const importer of files.values()) {
    for (const wanted of importer.scan.imports) {
      if (provides(wanted.path) || !isNormal(wanted.path)) continue;
      const found = find(wanted.path, importer);
      const taken = found && takenBefore(found, files);
      if (found === undefined && !files.has(wanted.path)) missing.push({ importer, import: wanted });
      if (found !== undefined && taken !== undefined) clashes.push({ importer, import: wanted, found, taken });
      if (found !== undefined && !files.has(wanted.path)) files.set(wanted.path, found);
    }
  }
  files.delete(start.path);
  return { start, imports: [...files.values()], missing, clashes };
}

/** The file that has the import path of `found` with another text, or is the same file under another path. */
function takenBefore(found: SourceFile, files: ReadonlyMap<string, SourceFile>): SourceFile | undefined {
  const namesake = files.get(found.path);
  if (namesake === undefined) return [...files.values()].find(({ file }) => file === found.file);
  return Buffer.compare(namesake.bytes, found.bytes) === 0 ? undefined : namesake;
}

/** Whether an import path stays under its root. A path that leaves it isn't followed: the compiler refuses it. */
function isNormal(importPath: string): boolean {
  return path.posix.normalize(importPath) === importPath && !/^(?:\.\.)?\//.test(importPath);
}
