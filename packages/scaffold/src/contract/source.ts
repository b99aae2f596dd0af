import path from 'node:path';
import type { Provides } from './platform.js';
import type { Import, Scan } from './scan.js';

/** A `.proto` file where it stands. */
export interface SourceFile {
  /** How others import it. */
  readonly path: string;
  /** Absolute. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly scan: Scan;
}

/** An import that nobody has. */
export interface Missing {
  readonly importer: SourceFile;
  readonly import: Import;
}

/** An import by which a file would be taken in the place of another, or for the second time. */
export interface Clash extends Missing {
  /** What the import path leads to for its importer. */
  readonly found: SourceFile;
  /** What it led to for another importer; the same file where that imports it by another path. */
  readonly taken: SourceFile;
}

/** A file with what it imports, directly or not. */
export interface Closure {
  readonly start: SourceFile;
  /** What packages bring along isn't among them. */
  readonly imports: readonly SourceFile[];
  readonly missing: readonly Missing[];
  /** None where all imports start from the same folders. */
  readonly clashes: readonly Clash[];
}

/** Where imports are looked for. */
export interface Search {
  /** The file with this import path, for one that imports it; undefined where there is none. */
  readonly find: (importPath: string, importer: SourceFile) => SourceFile | undefined;
  /** What needn't be found, as packages bring it. */
  readonly provides: Provides;
}

/** Follows the imports of `start`, other than those which packages bring. */
export function closureOf(start: SourceFile, { find, provides }: Search): Closure {
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

/** What has the import path of `found` with another text, or is the same file by another path. */
function takenBefore(found: SourceFile, files: ReadonlyMap<string, SourceFile>): SourceFile | undefined {
  const namesake = files.get(found.path);
  if (namesake === undefined) return [...files.values()].find(({ file }) => file === found.file);
  return Buffer.compare(namesake.bytes, found.bytes) === 0 ? undefined : namesake;
}

/** What leads out of its root is never followed: the compiler refuses it. */
function isNormal(importPath: string): boolean {
  return path.posix.normalize(importPath) === importPath && !/^(?:\.\.)?\//.test(importPath);
}
