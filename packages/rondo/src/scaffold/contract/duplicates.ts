import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Refusal } from '../errors.js';
import { filesBelow } from '../repository.js';
import type { Finding } from './compile.js';
import type { Placed } from './place.js';
import { packageFiles, packageFolders } from './platform.js';
import { fullNameIn, type Scan, scan } from './scan.js';

interface Duplicates {
  /** The folder in which buf ran. */
  readonly folder: string;
  /** The path of a file as the user would write it. */
  readonly shown: (file: string) => string;
}

/**
 * Refuses a contract with a name that the tree declares already in another file.
 *
 * @param tree The contracts under `proto/`, by path.
 */
export function refuseDeclared(
  { files }: Placed,
  { tree, shown }: Pick<Duplicates, 'shown'> & { readonly tree: ReadonlyMap<string, Scan> },
): void {
  const together = new Set(files.map((file) => file.path));
  const declared = new Map(
    [...tree].flatMap(([file, scanned]) =>
      together.has(file)
        ? []
        : scanned.declarations.map(({ name, line }) => [fullNameIn(scanned, name), `proto/${file}:${line}`] as const),
    ),
  );
  for (const ours of files) {
    for (const { name, line } of ours.source.scan.declarations) {
      const fullName = fullNameIn(ours.source.scan, name);
      const there = declared.get(fullName);
      if (there === undefined) continue;
      throw new Refusal(`${fullName} is declared at ${there} already`, {
        place: { file: shown(ours.source.file), line },
        remedy: 'give the contract a package of its own, or start from the existing file',
      });
    }
  }
}

/** Explains buf's finding that a name is declared twice: buf reports either of the two declarations. */
export function duplicateRefusal(
  { path: file, line, message }: Finding,
  { asked, files, folder, shown }: Duplicates & Placed,
): Refusal | undefined {
  const symbol = /^`(\w+)` declared multiple times$/.exec(message)?.[1];
  if (symbol === undefined) return undefined;
  const reported = files.find((one) => `proto/${one.path}` === file);
  const name = fullNameIn(reported?.source.scan ?? scan(readFileSync(path.join(folder, file), 'utf8')), symbol);
  const [ours = reported, other = reported] = files.filter(({ source }) => lineOf(name, source.scan) !== undefined);
  if (ours === undefined) return undefined;
  const place = { file: shown(ours.source.file), line: lineOf(name, ours.source.scan) ?? line };
  const provided = providedWith(name, folder);
  if (provided !== undefined) {
    const { importPath, at } = provided;
    const instead = ours.path === asked.path ? 'and leave it out' : `in place of "${ours.path}"`;
    return new Refusal(`${name} is declared at ${at} already`, {
      place,
      remedy: `in a copy of the contract, import "${importPath}" ${instead}`,
    });
  }
  const at = other === undefined || other === ours ? `${file}:${line}` : shown(other.source.file);
  return new Refusal(`${name} is declared in ${at} as well`, { place, remedy: 'leave one of the two out' });
}

/** The file of a package that declares a name. */
function providedWith(name: string, root: string) {
  const find = packageFiles(root);
  for (const folder of packageFolders(root)) {
    for (const file of filesBelow(root, folder)) {
      const importPath = file.slice(folder.length + 1);
      if (!file.endsWith('.proto') || find(importPath)?.module !== folder) continue;
      const line = lineOf(name, scan(readFileSync(path.join(root, file), 'utf8')));
      if (line !== undefined) return { importPath, at: `${file}:${line}` };
    }
  }
  return undefined;
}

/** The line on which a file declares a name. */
const lineOf = (name: string, scanned: Scan) =>
  scanned.declarations.find((declared) => fullNameIn(scanned, declared.name) === name)?.line;
