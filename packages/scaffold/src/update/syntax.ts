import { parse } from '@babel/parser';

/** A node of a TypeScript file: its kind, and where it stands in the text. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a TypeScript file.
 *
 * @throws SyntaxError where it can't be parsed.
 */
export function parseTypeScript(text: string): Syntax {
  return { ...located(parse(text, { sourceType: 'module', plugins: ['typescript'] }).program) };
}

function located(value: unknown): Syntax {
  if (isSyntax(value)) return value;
  throw new TypeError('the parser gave a node without a place');
}

function isSyntax(value: unknown): value is Syntax {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    typeof value.type === 'string' &&
    'start' in value &&
    typeof value.start === 'number' &&
    'end' in value &&
    typeof value.end === 'number'
  );
}

const fieldOf = (node: Syntax | undefined, key: string): unknown =>
  node === undefined ? undefined : new Map<string, unknown>(Object.entries(node)).get(key);

/** The node below another one under a key, or further down a path of keys. */
export function child(node: Syntax | undefined, ...keys: readonly string[]): Syntax | undefined {
  let found = node;
  for (const key of keys) {
    const value = fieldOf(found, key);
    found = isSyntax(value) ? value : undefined;
  }
  return found;
}

/** The nodes in a list below another one; holes are left out. */
export function children(node: Syntax | undefined, key: string): readonly Syntax[] {
  const value = fieldOf(node, key);
  return Array.isArray(value) ? value.filter(isSyntax) : [];
}

/** What an identifier or a text is; undefined for anything else. */
export function nameOf(node: Syntax | undefined): string | undefined {
  const value = fieldOf(node, node?.type === 'StringLiteral' ? 'value' : 'name');
  return typeof value === 'string' ? value : undefined;
}

/** What a field of a node says: the `importKind` of an import, whether a key is `computed`. */
export function flagOf(node: Syntax, key: string): string | boolean | undefined {
  const value = fieldOf(node, key);
  return typeof value === 'string' || typeof value === 'boolean' ? value : undefined;
}

/** A node and all below it, from the outside in. */
export function* walk(node: Syntax): Generator<Syntax, void> {
  yield node;
  for (const value of Object.values(node)) {
    for (const below of Array.isArray(value) ? value : [value]) if (isSyntax(below)) yield* walk(below);
  }
}
