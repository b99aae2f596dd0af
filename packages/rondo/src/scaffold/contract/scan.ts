import { readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from '../repository.js';

/** An `import` of a `.proto` file. */
export interface Import {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
}

/** A message, an enum or a service at the top level of a `.proto` file. */
interface Declaration {
  readonly kind: 'enum' | 'message' | 'service';
  readonly name: string;
  readonly line: number;
}

/** What can be read from a `.proto` file without compiling it. */
export interface Scan {
  /** Empty if there is none. */
  readonly package: string;
  readonly imports: readonly Import[];
  readonly declarations: readonly Declaration[];
}

interface Token {
  readonly text: string;
  readonly line: number;
}

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.]+|\S/g;

/**
 * Reads what must be known of a `.proto` file before its imports can be found and before it can be compiled. It never
 * fails: errors are left to the compiler.
 */
export function scan(text: string): Scan {
  const declarations: Declaration[] = [];
  const imports: Import[] = [];
  let packageName = '';
  for (const [keyword, ...rest] of topStatements(text)) {
    const [first] = rest;
    if (keyword === undefined || first === undefined) continue;
    if (keyword.text === 'package') packageName = rest.map(({ text }) => text).join('');
    if (keyword.text === 'import') imports.push({ path: literal(rest), line: keyword.line });
    if (keyword.text === 'enum' || keyword.text === 'message' || keyword.text === 'service') {
      declarations.push({ kind: keyword.text, name: first.text, line: keyword.line });
    }
  }
  return { package: packageName, imports, declarations };
}

/** The tokens of each statement outside of braces, up to its semicolon or opening brace. */
function* topStatements(text: string): Generator<readonly Token[]> {
  let statement: Token[] = [];
  let depth = 0;
  for (const token of tokens(text)) {
    if (depth === 0 && (token.text === ';' || token.text === '{')) {
      yield statement;
      statement = [];
    } else if (depth === 0) {
      statement.push(token);
    }
    if (token.text === '{') depth += 1;
    if (token.text === '}') {
      depth = Math.max(0, depth - 1);
      statement = [];
    }
  }
}

function* tokens(text: string): Generator<Token> {
  let line = 1;
  let counted = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token.startsWith('//') || token.startsWith('/*')) continue;
    for (; counted < index; counted += 1) if (text.charCodeAt(counted) === 0x0a) line += 1;
    yield { text: token, line };
  }
}

/** Joins adjacent string literals. */
function literal(tokens: readonly Token[]): string {
  return tokens
    .filter(({ text }) => /^["']/.test(text))
    .map(({ text }) => text.slice(1, -1))
    .join('');
}

/** The contracts under `proto/`, each with its direct imports among them, by their paths. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Reads which contract imports which. */
export const readImportGraph = (root: string): ImportGraph => importGraph(readScans(root));

/** Scans every contract under `proto/`, by path. */
export function readScans(root: string): ReadonlyMap<string, Scan> {
  const folder = path.join(root, 'proto');
  const files = filesBelow(root, 'proto')
    .map((file) => file.slice('proto/'.length))
    .filter((file) => file.endsWith('.proto'));
  return new Map(files.map((file) => [file, scan(readFileSync(path.join(folder, file), 'utf8'))]));
}

/** Which of the scanned contracts imports which. */
export function importGraph(scans: ReadonlyMap<string, Scan>): ImportGraph {
  const importsOf = ({ imports }: Scan) => imports.map((wanted) => wanted.path).filter((name) => scans.has(name));
  return new Map([...scans].map(([file, one]) => [file, importsOf(one)]));
}

/** The full name of a declaration of a scanned file. */
export const fullNameIn = (scanned: Scan, name: string): string =>
  scanned.package === '' ? name : `${scanned.package}.${name}`;

/** Contracts with their direct and indirect imports under `proto/`. */
export function withImports(graph: ImportGraph, contracts: readonly string[]): ReadonlySet<string> {
  const found = new Set(contracts.filter((contract) => graph.has(contract)));
  // The loop also visits the elements that it adds to the set.
  for (const contract of found) for (const imported of graph.get(contract) ?? []) found.add(imported);
  return found;
}
