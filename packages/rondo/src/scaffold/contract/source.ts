import path from 'node:path';
import type { Provides } from './platform.js';
import type { Import, Scan } from './scan.js';

/** How to find files and packages during the search for a root. */
export interface RootSearch {
  readonly provides: Search['provides'];
  /** Reads `file` as a file whose imports start from `root`. */
  readonly read: (file: string, root: string) => SourceFile | undefined;
  /** Searched last: what every contract may import from the repository. */
  readonly fallback: (importPath: string) => SourceFile | undefined;
}

/** The folders that imports start from. */
interface Roots {
  /** Searched first, in their order, as protoc does. */
  readonly named: readonly string[];
  /** The folders around a file, searched after `named`. An import that is two different files there is ambiguous. */
  readonly around: (importer: SourceFile) => readonly string[];
}

interface InferOptions extends RootSearch {
  readonly roots: readonly string[];
  /** The folder, if an earlier version of the file told it. */
  readonly known?: string | undefined;
}

/**
 * Finds the folder from which the imports of `file` start, as in the repository that the file comes from: other
 * contracts in `proto/` don't matter.
 *
 * The candidates are the folders above the file from which all imports can be found. Preferred are those that have most
 * of them, then the one under which the file lies in the folder of its package (`a.b.v1` in `a/b/v1`), then the nearest; if
 * an import is another file from a further one, that is a clash. If no single folder works, each import is searched above its importer. If that
 * isn't enough either, the closest result is returned, and `missing` lists what it lacks. All imports are searched
 * under `roots` first.
 */
export function inferRoot(file: string, { roots, known, ...search }: InferOptions): Closure {
  const folders = known === undefined ? ancestors(file) : [known];
  const whole = folders
    .flatMap((folder) => {
      const closure = closureIn(folder, file, { ...search, named: roots, around: () => [folder] });
      if (closure === undefined || closure.missing.length > 0) return [];
      const own = closure.imports.filter(
        ({ path: name }) => search.read(path.join(folder, name), folder) !== undefined,
      );
      return { closure, own };
    })
    .toSorted((one, other) => other.own.length - one.own.length);
  const [nearest, ...further] = whole;
  if (nearest !== undefined) {
    const best = whole.filter(({ own }) => own.length === nearest.own.length);
    return (
      best.map(({ closure }) => closure).find(standsInPackage) ??
      withClashes(
        nearest.closure,
        further.flatMap(({ own }) => own),
      )
    );
  }
  const scattered = folders.flatMap((folder) => {
    const around = (importer: SourceFile) => [...ancestors(importer.file), folder];
    return closureIn(folder, file, { ...search, named: roots, around }) ?? [];
  });
  const [found] = scattered.toSorted(
    (one, other) =>
      one.missing.length - other.missing.length ||
      one.clashes.length - other.clashes.length ||
      Number(standsInPackage(other)) - Number(standsInPackage(one)),
  );
  if (found === undefined) throw new TypeError(`${file} can't be read`);
  return found;
}

/** All files that `file` imports, directly or not. Looks for `file` in each of `roots` in turn; undefined if none has it. */
export function closureFrom(roots: readonly string[], file: string, search: RootSearch): Closure | undefined {
  const root = roots.find((folder) => isWithin(folder, file));
  return root === undefined ? undefined : closureIn(root, file, { ...search, named: roots, around: () => [] });
}

function closureIn(
  root: string,
  file: string,
  { read, fallback, provides, named, around }: RootSearch & Roots,
): Closure | undefined {
  const start = read(file, root);
  if (start === undefined) return undefined;
  const find: Search['find'] = (importPath, importer) => {
    const at = (folder: string) => read(path.join(folder, importPath), folder);
    const given = firstDefined(named, at);
    if (given !== undefined) return [given];
    const near = around(importer).flatMap((folder) => at(folder) ?? []);
    return near.length > 0 ? near : [fallback(importPath) ?? []].flat();
  };
  return closureOf(start, { find, provides });
}

/** Adds the imports that are another file from a further root. */
function withClashes(nearest: Closure, further: readonly SourceFile[]): Closure {
  const wanted = [nearest.start, ...nearest.imports].flatMap((importer) =>
    importer.scan.imports.map((one) => ({ importer, import: one })),
  );
  const clashes = nearest.imports.flatMap((taken) => {
    const found = further.find((one) => one.path === taken.path && Buffer.compare(one.bytes, taken.bytes) !== 0);
    const by = wanted.find((one) => one.import.path === taken.path);
    return found === undefined || by === undefined ? [] : [{ ...by, found, taken }];
  });
  return { ...nearest, clashes: [...nearest.clashes, ...clashes] };
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
export function isWithin(folder: string, file: string): boolean {
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

/** A file beside a contract, or under a named folder, whose import path a package provides. */
export interface Copy extends Missing {
  readonly found: SourceFile;
}

/** A file with its direct and indirect imports. */
export interface Closure {
  readonly start: SourceFile;
  /** Without the files that packages provide. */
  readonly imports: readonly SourceFile[];
  /** Copies of files that packages provide. */
  readonly copies: readonly Copy[];
  readonly missing: readonly Missing[];
  /** Empty if all imports start from the same folders. */
  readonly clashes: readonly Clash[];
}

/** How imports are searched. */
interface Search {
  /** The files with this import path for an importer, the preferred one first; different ones are ambiguous. */
  readonly find: (importPath: string, importer: SourceFile) => readonly SourceFile[];
  /** The imports that needn't be found, because packages provide them. */
  readonly provides: Provides;
}

/** Follows the imports of `start`, except those that packages provide. */
function closureOf(start: SourceFile, { find, provides }: Search): Closure {
  const files = new Map([[start.path, start]]);
  const copies = new Map<string, Copy>();
  const missing: Missing[] = [];
  const clashes: Clash[] = [];
  for (const importer of files.values()) {
    for (const wanted of importer.scan.imports) {
      if (!isNormal(wanted.path)) continue;
      const [found, ...others] = find(wanted.path, importer);
      const at = { importer, import: wanted };
      if (provides(wanted.path)) {
        if (found !== undefined && !copies.has(wanted.path)) copies.set(wanted.path, { ...at, found });
        continue;
      }
      if (found === undefined) {
        if (!files.has(wanted.path)) missing.push(at);
        continue;
      }
      const taken = takenBefore(found, files) ?? others.find((other) => Buffer.compare(other.bytes, found.bytes) !== 0);
      if (taken !== undefined) clashes.push({ ...at, found, taken });
      if (!files.has(wanted.path)) files.set(wanted.path, found);
    }
  }
  files.delete(start.path);
  return { start, imports: [...files.values()], copies: [...copies.values()], missing, clashes };
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
