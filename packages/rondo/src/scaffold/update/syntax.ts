import { parse } from '@babel/parser';

/** A node of a TypeScript file: its kind and its position in the text. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Parses a TypeScript file.
 *
 * @throws SyntaxError if it can't be parsed.
 */
export function parseTypeScript(text: string): Syntax {
  return { ...located(parse(text, { sourceType: 'module', plugins: ['typescript'] }).program) };
}

function located(value: unknown): Syntax {
  if (isSyntax(value)) return value;
  throw new TypeError('the parser returned a node without a position');
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

/** The child of a node under a key, or under a path of keys. */
export function child(node: Syntax | undefined, ...keys: readonly string[]): Syntax | undefined {
  let found = node;
  for (const key of keys) {
    const value = fieldOf(found, key);
    found = isSyntax(value) ? value : undefined;
  }
  return found;
}

/** The children in a list under a key, without holes. */
export function children(node: Syntax | undefined, key: string): readonly Syntax[] {
  const value = fieldOf(node, key);
  return Array.isArray(value) ? value.filter(isSyntax) : [];
}

/** The name of an identifier or the value of a string literal; undefined for anything else. */
export function nameOf(node: Syntax | undefined): string | undefined {
  const value = fieldOf(node, node?.type === 'StringLiteral' ? 'value' : 'name');
  return typeof value === 'string' ? value : undefined;
}

/** The value of a field of a node, such as the `importKind` of an import or whether a key is `computed`. */
export function flagOf(node: Syntax, key: string): string | boolean | undefined {
  const value = fieldOf(node, key);
  return typeof value === 'string' || typeof value === 'boolean' ? value : undefined;
}

/** Whether a comma follows the last member of an object or array literal. */
export function hasTrailingComma(node: Syntax): boolean {
  const extra = fieldOf(node, 'extra');
  return typeof extra === 'object' && extra !== null && 'trailingComma' in extra;
}

/** A node and all nodes below it, parents first. */
export function* walk(node: Syntax): Generator<Syntax, void> {
  yield node;
  for (const value of Object.values(node)) {
    for (const below of Array.isArray(value) ? value : [value]) if (isSyntax(below)) yield* walk(below);
  }
}
