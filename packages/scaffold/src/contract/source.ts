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

/** A file with what it imports, directly or not. */
export interface Closure {
  readonly start: SourceFile;
  /** What packages bring along isn't among them. */
  readonly imports: readonly SourceFile[];
  readonly missing: readonly Missing[];
}

/** Where imports are looked for. */
export interface Search {
  /** The file with this import path; undefined where there is none. */
  readonly find: (importPath: string) => SourceFile | undefined;
  /** What needn't be found, as packages bring it. */
  readonly provides: Provides;
}

/** Follows the imports of `start`, other than those which packages bring. */
export function closureOf(start: SourceFile, { find, provides }: Search): Closure {
  const files = new Map([[start.path, start]]);
  const missing: Missing[] = [];
  for (const importer of files.values()) {
    for (const wanted of importer.scan.imports) {
      if (files.has(wanted.path) || provides(wanted.path) || !isNormal(wanted.path)) continue;
      const found = find(wanted.path);
      if (found === undefined) missing.push({ importer, import: wanted });
      else files.set(wanted.path, found);
    }
  }
  files.delete(start.path);
  return { start, imports: [...files.values()], missing };
}

/** What leads out of its root is never followed: the compiler refuses it. */
function isNormal(importPath: string): boolean {
  return path.posix.normalize(importPath) === importPath && !/^(?:\.\.)?\//.test(importPath);
}
