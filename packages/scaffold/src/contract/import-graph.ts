import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { scan } from './scan.js';

/** The contracts under `proto/`, each with those of them that it imports, directly; by their paths there. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Reads which contract imports which. */
export function readImportGraph(root: string): ImportGraph {
  const folder = path.join(root, 'proto');
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = entries.map((entry) => entry.split(path.sep).join('/')).filter((entry) => entry.endsWith('.proto'));
  const known = new Set(files);
  const importsOf = (file: string) => scan(readFileSync(path.join(folder, file), 'utf8')).imports;
  return new Map(
    files.map((file) => [
      file,
      importsOf(file)
        .map((wanted) => wanted.path)
        .filter((name) => known.has(name)),
    ]),
  );
}

/** Contracts and all that they import, directly or not, as far as it stands under `proto/`. */
export function withImports(graph: ImportGraph, contracts: readonly string[]): ReadonlySet<string> {
  const found = new Set(contracts.filter((contract) => graph.has(contract)));
  // A set grows while it is gone through.
  for (const contract of found) for (const imported of graph.get(contract) ?? []) found.add(imported);
  return found;
}
