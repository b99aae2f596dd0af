import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isFile } from '../../workspace/files.js';
import { Refusal } from '../errors.js';
import type { ContractFile } from './contract.js';
import { type Import, importsIn, packageIn } from './imports.js';
import { packageImports } from './platform.js';

export type ContractSource =
  /** A file anywhere. `importRoots` are protoc's proto paths. */
  | { readonly kind: 'file'; readonly path: string; readonly importRoots?: readonly string[] }
  /** Text that will become the file `path` under `proto/`. */
  | { readonly kind: 'text'; readonly path: string; readonly text: string };

/** A file of a contract, with the absolute path from which it comes. */
export interface PlacedFile extends ContractFile {
  readonly file: string;
}

/** A contract whose files have their places under `proto/`. */
export interface Placed {
  readonly asked: PlacedFile;
  /** The requested file and its direct and indirect imports, without those that packages provide. */
  readonly files: readonly PlacedFile[];
  /** The path of a file as the user would write it. */
  readonly shown: (file: string) => string;
}

type Found = Pick<PlacedFile, 'path' | 'file' | 'bytes'>;

/**
 * Finds the files of a contract. Imports are searched in the named folders, in their order, as protoc does. If the contract lies in
 * none of them, its imports are also searched in the folders above it, first in the one from which its own path starts. Of the
 * contracts in `proto/`, a contract from elsewhere sees Rondo's own alone, unless `proto` is a named folder.
 *
 * @param served The contracts of the service: they keep their places.
 * @throws Refusal if the file or one of its imports doesn't exist.
 */
export function findSource(root: string, source: ContractSource, served: readonly string[] = []): Placed {
  const tree = path.join(root, 'proto');
  const start = source.kind === 'text' ? path.join(tree, source.path) : path.resolve(source.path);
  const shown = source.kind === 'text' ? (file: string) => path.relative(root, file) : shownFrom(source.path);
  if (source.kind === 'file') refuseUnreadable(start, shown);
  const bytes = source.kind === 'text' ? new TextEncoder().encode(source.text) : readFileSync(start);
  const named = (source.kind === 'text' ? [] : (source.importRoots ?? [])).map((folder) => path.resolve(folder));
  const given = isWithin(tree, start) ? [tree, ...named] : named;
  const search = { tree, shown, provides: packageImports(root), folders: given };
  const within = given.find((folder) => isWithin(folder, start));
  const own = within ?? rootOf(start, search);
  const above = within === undefined ? { folders: [...given, own, ...ancestors(start)], below: start } : {};
  const first = { path: pathFrom(own, start), file: start, bytes };
  const imports = importsOf(first, { ...search, ...above });
  const place = (found: Found): PlacedFile => ({ ...found, state: stateOf(path.join(tree, found.path), found.bytes) });
  const isThere = served.includes(first.path) || start === path.join(tree, first.path);
  const asked = place(isThere || !standsAlone(first, imports) ? first : inPackageFolder(first));
  return { asked, files: [asked, ...imports.map(place)], shown };
}

interface Search {
  readonly folders: readonly string[];
  /** The folder `proto` of the repository. */
  readonly tree: string;
  readonly provides: (importPath: string) => boolean;
  readonly shown: Placed['shown'];
  /** The contract, if the folders above it are searched too. */
  readonly below?: string;
}

const textOf = ({ bytes }: Pick<Found, 'bytes'>) => new TextDecoder().decode(bytes);
const pathFrom = (folder: string, file: string) => path.relative(folder, file).split(path.sep).join('/');

/** The folder above a file from which its own path starts: one that has its imports, or one under which it lies in the folder of its package. */
function rootOf(file: string, search: Search): string {
  const folders = ancestors(file);
  const text = readFileSync(file, 'utf8');
  const searched = importsIn(text).filter(({ path: name }) => isSearched(name, search) && !find(name, search));
  const whole = folders.filter((folder) => searched.every(({ path: name }) => isFile(path.join(folder, name))));
  const ofPackage = (folder: string) => path.dirname(file) === path.join(folder, ...packageIn(text).split('.'));
  return whole.find(ofPackage) ?? whole[0] ?? folders.find(ofPackage) ?? path.dirname(file);
}

/** All files that a contract imports, directly or not. @throws Refusal if one is missing. */
function importsOf(start: Found, search: Search): readonly Found[] {
  const files = new Map([[start.path, start]]);
  // The loop also visits the files that it adds.
  for (const importer of files.values()) {
    for (const wanted of importsIn(textOf(importer))) {
      if (files.has(wanted.path) || !isSearched(wanted.path, search)) continue;
      const file = find(wanted.path, search);
      if (file === undefined) throw missing(importer, wanted, search);
      files.set(wanted.path, { path: wanted.path, file, bytes: readFileSync(file) });
    }
  }
  return [...files.values()].slice(1);
}

/** Whether an import is one of files: no package provides it, and it stays under its folder. The compiler refuses one that leaves it. */
const isSearched = (importPath: string, { provides }: Pick<Search, 'provides'>) =>
  !provides(importPath) && path.posix.normalize(importPath) === importPath && !/^(?:\.\.)?\//.test(importPath);

function find(importPath: string, { folders, tree }: Search): string | undefined {
  const all = importPath.startsWith('rondo/') ? [...folders, tree] : folders;
  return all.map((folder) => path.join(folder, importPath)).find(isFile);
}

function missing(importer: Found, wanted: Import, { folders, tree, shown, below }: Search): Refusal {
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

function refuseUnreadable(file: string, shown: Placed['shown']): void {
  const place = { file: shown(file) };
  if (!existsSync(file))
    throw new Refusal('no such file exists', { place, remedy: 'name the contract, a .proto file' });
  if (!isFile(file) || !file.endsWith('.proto'))
    throw new Refusal("isn't a .proto file", { place, remedy: 'name the file that declares the service' });
}

/** Shows paths as the user wrote the first one: relative to the current folder, or absolute. */
function shownFrom(given: string): Placed['shown'] {
  return path.isAbsolute(given) ? (file) => file : (file) => path.relative(process.cwd(), file) || '.';
}

/**
 * Whether a file at the top goes into the folder of its package, where it doesn't conflict with others. A file that imports others from
 * the top, or that a neighbour imports, stays next to them: together they are one contract.
 */
function standsAlone({ path: name, file }: Found, imports: readonly Found[]): boolean {
  if ([name, ...imports.map((one) => one.path)].filter((one) => !one.includes('/')).length !== 1) return false;
  if (name.includes('/')) return false;
  const neighbours = readdirSync(path.dirname(file)).filter((other) => other.endsWith('.proto'));
  const texts = neighbours.map((other) => path.join(path.dirname(file), other)).filter(isFile);
  return !texts.some((other) => importsIn(readFileSync(other, 'utf8')).some((one) => one.path === name));
}

const inPackageFolder = (found: Found): Found => ({
  ...found,
  path: path.posix.join(packageIn(textOf(found)).replaceAll('.', '/'), found.path),
});

function stateOf(file: string, bytes: Uint8Array): ContractFile['state'] {
  if (!existsSync(file)) return 'new';
  return readFileSync(file).equals(bytes) ? 'same' : 'changed';
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
