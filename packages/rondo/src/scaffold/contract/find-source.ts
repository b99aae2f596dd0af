import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Refusal } from '../errors.js';
import { readText } from '../repository.js';
import { BUF } from '../workspace-files/buf-exemptions.js';
import { replacing } from '../workspace-files/buf-modules.js';
import { packageImports } from './platform.js';
import { scan } from './scan.js';
import {
  type Clash,
  type Closure,
  closureFrom,
  inferRoot,
  isWithin,
  type Missing,
  type RootSearch,
  type SourceFile,
} from './source.js';

/** The source of a contract. */
export type ContractSource =
  /** A file anywhere. `importRoots` are protoc's proto paths; they are inferred if none is given. */
  | { readonly kind: 'file'; readonly path: string; readonly importRoots?: readonly string[] }
  /** Text that will become the file `path` under `proto/`. */
  | { readonly kind: 'text'; readonly path: string; readonly text: string };

/** A contract with its imports. None of them is missing or ambiguous. */
export interface FoundSource extends Pick<Closure, 'copies' | 'imports' | 'start'> {
  /** The path of a file as the user would write it. */
  readonly shown: (file: string) => string;
}

/** Far above the size of any hand-written contract: a larger file is a mistake. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Finds the files of a contract. A file from elsewhere imports what it does in its own repository. Of the contracts in
 * `proto/` it only sees Rondo's own and those that stand in place of a package's, unless `proto` is a named root.
 *
 * @param served The contracts that the service has already: their paths tell where the imports of a newer file start.
 * @throws Refusal if the file or one of its imports doesn't exist, or if an import path means two different files.
 */
export function findSource(root: string, source: ContractSource, served: readonly string[] = []): FoundSource {
  const tree = path.join(root, 'proto');
  const read = cachedRead();
  const common = new Set(replacing(readText(root, BUF)));
  const search: RootSearch = {
    provides: packageImports(root),
    read: (file, from) => read(file, from),
    fallback: (importPath) =>
      importPath.startsWith('rondo/') || common.has(importPath) ? read(path.join(tree, importPath), tree) : undefined,
  };
  if (source.kind === 'text') return findText(source, { tree, search });
  const shown = shownFrom(source.path);
  const file = path.resolve(source.path);
  refuseUnreadable(file, shown);
  const roots = (source.importRoots ?? []).map((folder) => path.resolve(folder));
  const explicit = closureFrom(isWithin(tree, file) ? [tree, ...roots] : roots, file, search);
  const found = explicit ?? inferRoot(file, { ...search, roots, known: knownRoot(file, served) });
  refuseMissing(found.missing, { tree, roots, isAboveToo: explicit === undefined, shown });
  refuseClashes(found.clashes, shown);
  return { start: found.start, imports: found.imports, copies: found.copies, shown };
}

/** The root of a file that the service has already: its path under `proto/` says where it starts. */
function knownRoot(file: string, served: readonly string[]): string | undefined {
  const suffixes = served
    .filter((contract) => contract.includes('/'))
    .map((contract) => path.normalize(`/${contract}`));
  const suffix = suffixes.find((one) => file.endsWith(one));
  return suffix && (file.slice(0, -suffix.length) || path.parse(file).root);
}

function findText(
  { path: name, text }: Extract<ContractSource, { readonly kind: 'text' }>,
  { tree, search }: { readonly tree: string; readonly search: RootSearch },
): FoundSource {
  const bytes = new TextEncoder().encode(text);
  const start: SourceFile = { path: name, file: path.join(tree, name), bytes, scan: scan(text) };
  const shown = (file: string) => path.join('proto', path.relative(tree, file));
  const read: RootSearch['read'] = (file, from) => (file === start.file ? start : search.read(file, from));
  const { imports = [], missing = [] } = closureFrom([tree], start.file, { ...search, read }) ?? {};
  refuseMissing(missing, { tree, roots: [], isAboveToo: false, shown });
  return { start, imports, copies: [], shown };
}

function refuseUnreadable(file: string, shown: FoundSource['shown']): void {
  const place = { file: shown(file) };
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined)
    throw new Refusal('no such file exists', { place, remedy: 'name the contract, a .proto file' });
  if (!found.isFile() || !file.endsWith('.proto')) {
    throw new Refusal("isn't a .proto file", { place, remedy: 'name the file that declares the service' });
  }
}

interface Looked {
  readonly tree: string;
  /** The given folders. */
  readonly roots: readonly string[];
  /** Whether the folders above the importing file were searched, too. */
  readonly isAboveToo: boolean;
  readonly shown: FoundSource['shown'];
}

function refuseMissing(missing: readonly Missing[], { tree, roots, isAboveToo, shown }: Looked): void {
  const [first] = missing;
  if (first === undefined) return;
  const { importer, import: wanted } = first;
  const above = isAboveToo ? [shown(path.dirname(importer.file)), 'a folder above it'] : [];
  const looked = [...roots.map(shown), ...above].map((place) => `in ${place}`);
  const [last = 'in proto/', ...others] = looked.toReversed();
  const places = [...others.toReversed(), last].join(', ');
  const there = existsSync(path.join(tree, wanted.path)) && !roots.includes(tree);
  throw new Refusal(`imports "${wanted.path}", which is neither ${places} nor in a package`, {
    place: { file: shown(importer.file), line: wanted.line },
    remedy: there
      ? `name its root folder with --proto-path DIR; --proto-path ${shown(tree)} takes the file that another contract has there`
      : 'name the root folder of the import with --proto-path DIR',
  });
}

/** Refuses ambiguous imports: an import path must mean the same file for all importers. */
function refuseClashes(clashes: readonly Clash[], shown: FoundSource['shown']): void {
  const [first] = clashes;
  if (first === undefined) return;
  const { importer, import: wanted, found, taken } = first;
  const place = { file: shown(importer.file), line: wanted.line };
  if (found.file === taken.file) {
    throw new Refusal(
      `imports ${shown(found.file)} as "${wanted.path}", but another file imports it as "${taken.path}"`,
      {
        place,
        remedy: 'use one of the two paths everywhere',
      },
    );
  }
  throw new Refusal(`imports "${wanted.path}", which could be ${shown(found.file)} or ${shown(taken.file)}`, {
    place,
    remedy: 'name the root folder of the import with --proto-path DIR',
  });
}

/** Shows paths as the user wrote the first one: relative to the current folder, or absolute. */
function shownFrom(given: string): FoundSource['shown'] {
  return path.isAbsolute(given) ? (file) => file : (file) => path.relative(process.cwd(), file) || '.';
}

/** Reads each file once, however many roots are tried. */
function cachedRead() {
  const contents = new Map<string, Pick<SourceFile, 'bytes' | 'scan'> | undefined>();
  return (file: string, root: string): SourceFile | undefined => {
    if (!contents.has(file)) contents.set(file, readProto(file));
    const content = contents.get(file);
    const name = path.relative(root, file).split(path.sep).join('/');
    return content === undefined ? undefined : { path: name, file, ...content };
  };
}

function readProto(file: string): Pick<SourceFile, 'bytes' | 'scan'> | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) return undefined;
  if (found.size > MAX_FILE_BYTES) {
    throw new Refusal(`has ${found.size} bytes, more than ${MAX_FILE_BYTES}`, {
      place: { file },
      remedy: 'split it into files that import one another',
    });
  }
  const bytes = readFileSync(file);
  return { bytes, scan: scan(new TextDecoder().decode(bytes)) };
}
