import { filesBelow, readText } from '../repository.js';

/** An `import` of a `.proto` file. */
export interface Import {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Comments, and the strings in which none begins. */
const COMMENT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/.*|\/\*[\s\S]*?\*\//g;
/** The text without comments, line by line. */
const bare = (text: string) =>
  text.replaceAll(COMMENT, (found) => (found.startsWith('/') ? found.replaceAll(/[^\n]/g, '') : found));

/** The package of a `.proto` file; empty if it has none. What isn't a contract is left to the compiler. */
export const packageIn = (text: string): string => /(?<=^|[;}\s])package\s+([\w.]+)\s*;/.exec(bare(text))?.[1] ?? '';

export function importsIn(text: string): readonly Import[] {
  const code = bare(text);
  return [...code.matchAll(/(?<=^|[;}\s])import\s+(?:[a-z]+\s+)?(?:"([^"\n]+)"|'([^'\n]+)')/g)].map((found) => ({
    path: found[1] ?? found[2] ?? '',
    line: code.slice(0, found.index).split('\n').length,
  }));
}

/** The contracts under `proto/`, each with its direct imports among them, by their paths. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Reads which contract imports which. */
export function readImportGraph(root: string): ImportGraph {
  const files = filesBelow(root, 'proto').filter((file) => file.endsWith('.proto'));
  const names = new Set(files.map((file) => file.slice('proto/'.length)));
  const imported = (name: string) => importsIn(readText(root, `proto/${name}`)).map((wanted) => wanted.path);
  return new Map([...names].map((name) => [name, imported(name).filter((one) => names.has(one))]));
}

/** Contracts with their direct and indirect imports under `proto/`. */
export function withImports(graph: ImportGraph, contracts: readonly string[]): ReadonlySet<string> {
  const found = new Set(contracts.filter((contract) => graph.has(contract)));
  // The loop also visits the elements that it adds to the set.
  for (const contract of found) for (const imported of graph.get(contract) ?? []) found.add(imported);
  return found;
}
