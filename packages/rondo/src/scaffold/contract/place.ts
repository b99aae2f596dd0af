import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ContractFile } from './contract.js';
import type { FoundSource, SourceFile } from './find-source.js';
import { scan } from './scan.js';

/** A file of a contract with its source. */
export interface PlacedFile extends ContractFile {
  readonly source: SourceFile;
}

/** A contract whose files have their places under `proto/`. */
export interface Placed {
  /** The requested file. */
  readonly asked: PlacedFile;
  /** The requested file and its imports. */
  readonly files: readonly PlacedFile[];
}

/**
 * Finds the place of each file under `proto/`. It is the import path, so that the text of the file and the imports of
 * others stay the same. A single file at the top goes into the folder of its package, where it doesn't conflict with
 * others. A file that imports others from the top, or that a neighbour imports, stays beside them: together they are
 * one contract. So does one that lies at the top already, or that is among the contracts that its service has, `served`.
 */
export function placeFiles(
  root: string,
  { start, imports }: Pick<FoundSource, 'imports' | 'start'>,
  served: readonly string[] = [],
): Placed {
  const isThere = served.includes(start.path) || start.file === path.join(root, 'proto', start.path);
  const standsAlone = isAtTop(start) && !imports.some(isAtTop) && !isThere && !neighbours(start).some(imported(start));
  const asked = place(root, start, standsAlone ? inPackageFolder(start) : start.path);
  return { asked, files: [asked, ...imports.map((file) => place(root, file, file.path))] };
}

function place(root: string, source: SourceFile, name: string): PlacedFile {
  return { path: name, bytes: source.bytes, state: stateOf(path.join(root, 'proto', name), source.bytes), source };
}

const isAtTop = ({ path: name }: SourceFile) => !name.includes('/');

/** The other files of its folder, which the user may add later for other services. */
const neighbours = ({ file }: SourceFile) =>
  readdirSync(path.dirname(file), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.proto'))
    .map(({ name }) => path.join(path.dirname(file), name));

const imported =
  ({ path: name }: SourceFile) =>
  (by: string) =>
    scan(readFileSync(by, 'utf8')).imports.some((one) => one.path === name);

function inPackageFolder({ path: name, scan }: SourceFile): string {
  return path.posix.join(scan.package.replaceAll('.', '/'), name);
}

function stateOf(file: string, bytes: Uint8Array): ContractFile['state'] {
  if (!existsSync(file)) return 'new';
  return readFileSync(file).equals(bytes) ? 'same' : 'changed';
}
