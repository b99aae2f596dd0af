/** An `import` of a `.proto` file. */
export interface Import {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
}

/** A message, an enum or a service that stands at the top of a `.proto` file. */
export interface Declaration {
  readonly kind: 'enum' | 'message' | 'service';
  readonly name: string;
  readonly line: number;
}

/** What a `.proto` file says before anybody compiles it. */
export interface Scan {
  /** Empty for none. */
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
 * Reads what must be known of a `.proto` file before its imports can be found, and so before it can be compiled. It
 * never fails: what it makes nothing of is for the compiler to judge.
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

/** The tokens of each statement outside all braces, up to its semicolon or opening brace. */
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

/** Strings that follow one another are one. */
function literal(tokens: readonly Token[]): string {
  return tokens
    .filter(({ text }) => /^["']/.test(text))
    .map(({ text }) => text.slice(1, -1))
    .join('');
}
