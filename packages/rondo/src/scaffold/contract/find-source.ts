import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { isFile } from '../../workspace/files.js';
import { Refusal } from '../errors.js';
import { packageImports } from './platform.js';
import { type Import, type Scan, scan } from './scan.js';

/** The source of a contract. */
export type ContractSource =
  /** A file anywhere. `importRoots` are protoc's proto paths. */
  | { readonly kind: 'file'; readonly path: string; readonly importRoots?: readonly string[] }
  /** Text that will become the file `path` under `proto/`. */
  | { readonly kind: 'text'; readonly path: string; readonly text: string };

/** A `.proto` file at its place. */
export interface SourceFile {
  /** Its import path. */
  readonly path: string;
  /** Its absolute path. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly scan: Scan;
}

/** A contract with its direct and indirect imports, without the files that packages provide. */
export interface FoundSource {
  readonly start: SourceFile;
  readonly imports: readonly SourceFile[];
  /** The path of a file as the user would write it. */
  readonly shown: (file: string) => string;
}

/** Far above the size of any hand-written contract: a larger file is a mistake. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Finds the files of a contract. Imports are searched in the named folders, in their order, as protoc does. If the contract lies in
 * none of them, its imports are also searched in the folders above it, first in the one from which its own path starts. Of the
 * contracts in `proto/`, a contract from elsewhere sees Rondo's own alone, unless `proto` is a named folder.
 *
 * @throws Refusal if the file or one of its imports doesn't exist.
 */
export function findSource(root: string, source: ContractSource): FoundSource {
  const tree = path.join(root, 'proto');
  const provides = packageImports(root);
  if (source.kind === 'text') {
    const start = sourceFile(path.join(tree, source.path), tree, new TextEncoder().encode(source.text));
    const shown = (file: string) => path.join('proto', path.relative(tree, file));
    return { start, shown, imports: importsOf(start, { folders: [tree], tree, provides, shown }) };
  }
  const shown = shownFrom(source.path);
  const file = path.resolve(source.path);
  refuseUnreadable(file, shown);
  const named = (source.importRoots ?? []).map((folder) => path.resolve(folder));
  const given = isWithin(tree, file) ? [tree, ...named] : named;
  const search = { tree, provides, shown };
  const within = given.find((folder) => isWithin(folder, file));
  if (within !== undefined) {
    const start = readProto(file, within);
    return { start, shown, imports: importsOf(start, { ...search, folders: given }) };
  }
  const own = rootOf(file, { ...search, folders: given });
  const start = readProto(file, own);
  const folders = [...given, own, ...ancestors(file)];
  return { start, shown, imports: importsOf(start, { ...search, folders, below: file }) };
}

/** Where imports are searched. */
interface Search {
  readonly folders: readonly string[];
  /** The folder `proto` of the repository. */
  readonly tree: string;
  readonly provides: (importPath: string) => boolean;
  readonly shown: FoundSource['shown'];
  /** The contract, if the folders above it are searched too. */
  readonly below?: string;
}

/** The folder above a file from which its own path starts: one that has its imports, or one under which it lies in the folder of its package. */
function rootOf(file: string, search: Search): string {
  const folders = ancestors(file);
  const { package: declared, imports } = readProto(file, path.dirname(file)).scan;
  const searched = imports.filter(({ path: name }) => isSearched(name, search) && find(name, search) === undefined);
  const whole = folders.filter((folder) => searched.every(({ path: name }) => isFile(path.join(folder, name))));
  const ofPackage = (folder: string) => path.dirname(file) === path.join(folder, ...declared.split('.'));
  return whole.find(ofPackage) ?? whole[0] ?? folders.find(ofPackage) ?? path.dirname(file);
}

/** All files that a contract imports, directly or not. @throws Refusal if one is missing. */
function importsOf(start: SourceFile, search: Search): readonly SourceFile[] {
  const files = new Map([[start.path, start]]);
  // The loop also visits the files that it adds.
  for (const importer of files.values()) {
    for (const wanted of importer.scan.imports) {
      if (files.has(wanted.path) || !isSearched(wanted.path, search)) continue;
      const found = find(wanted.path, search);
      if (found === undefined) throw missing(importer, wanted, search);
      files.set(wanted.path, found);
    }
  }
  files.delete(start.path);
  return [...files.values()];
}

/** Whether an import is one of files: no package provides it, and it stays under its folder. The compiler refuses one that leaves it. */
const isSearched = (importPath: string, { provides }: Search) =>
  !provides(importPath) && path.posix.normalize(importPath) === importPath && !/^(?:\.\.)?\//.test(importPath);

function find(importPath: string, { folders, tree }: Search): SourceFile | undefined {
  const all = importPath.startsWith('rondo/') ? [...folders, tree] : folders;
  const folder = all.find((one) => isFile(path.join(one, importPath)));
  return folder === undefined ? undefined : readProto(path.join(folder, importPath), folder);
}

function missing(importer: SourceFile, wanted: Import, { folders, tree, shown, below }: Search): Refusal {
  const named = folders.filter((folder) => folder !== tree && (below === undefined || !isWithin(folder, below)));
  const around = below === undefined ? [] : [shown(path.dirname(below)), 'a folder above it'];
  const looked = [...named.map(shown), ...around].map((place) => `in ${place}`);
  const [last = 'in proto/', ...others] = looked.toReversed();
  const there = isFile(path.join(tree, wanted.path)) && !folders.includes(tree);
  return new Refusal(
    `imports "${wanted.path}", which is neither ${[...others.toReversed(), last].join(', ')} nor in a package`,
    {
      place: { file: shown(importer.file), line: wanted.line },
      remedy: there
        ? `name its root folder with --proto-path DIR; --proto-path ${shown(tree)} takes the file that another contract has there`
        : 'name the root folder of the import with --proto-path DIR',
    },
  );
}

function refuseUnreadable(file: string, shown: FoundSource['shown']): void {
  const place = { file: shown(file) };
  if (!existsSync(file))
    throw new Refusal('no such file exists', { place, remedy: 'name the contract, a .proto file' });
  if (!isFile(file) || !file.endsWith('.proto'))
    throw new Refusal("isn't a .proto file", { place, remedy: 'name the file that declares the service' });
}

/** Shows paths as the user wrote the first one: relative to the current folder, or absolute. */
function shownFrom(given: string): FoundSource['shown'] {
  return path.isAbsolute(given) ? (file) => file : (file) => path.relative(process.cwd(), file) || '.';
}

function readProto(file: string, root: string): SourceFile {
  const { size } = statSync(file);
  if (size > MAX_FILE_BYTES) {
    throw new Refusal(`has ${size} bytes, more than ${MAX_FILE_BYTES}`, {
      place: { file },
      remedy: 'split it into files that import one another',
    });
  }
  return sourceFile(file, root, readFileSync(file));
}

function sourceFile(file: string, root: string, bytes: Uint8Array): SourceFile {
  const name = path.relative(root, file).split(path.sep).join('/');
  return { path: name, file, bytes, scan: scan(new TextDecoder().decode(bytes)) };
}

/** The folders above a file, the nearest first. */
function ancestors(file: string): readonly string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...ancestors(folder)];
}

/** Whether `file` lies somewhere under `folder`. */
function isWithin(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '' && relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative);
}
