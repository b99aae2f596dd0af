import { ExpressionError, type Operator, type Punctuator, type Token, tokenize } from './token.js';

/** The maximum length of an expression in characters. It bounds the size of an exact value. */
export const MAX_CHARACTERS = 4096;

/** The maximum nesting of parentheses. It bounds the recursion of code that walks an expression. */
export const MAX_NESTING = 64;

/**
 * A parsed expression. Operators of one precedence form one chain, from left to right, and signs are folded, so that
 * only parentheses increase its depth.
 */
export type Expression =
  | { readonly kind: 'number'; readonly text: string; readonly column: number }
  | { readonly kind: 'negated'; readonly operand: Expression }
  | { readonly kind: 'chain'; readonly first: Expression; readonly links: readonly Link[] };

/** An operator and its right operand. */
export interface Link {
  readonly operator: Operator;
  readonly operand: Expression;
  /** The column of the operator. */
  readonly column: number;
}

interface Cursor {
  peek(): Token;
  take(): Token;
}

/**
 * Parses a decimal expression: `+ - * /` from left to right with the usual precedence, signs and parentheses.
 *
 * @throws ExpressionError with the column, what was expected and what was found.
 */
export function parse(expression: string): Expression {
  if (expression.length > MAX_CHARACTERS) {
    const problem = `the expression has ${expression.length} characters and may have ${MAX_CHARACTERS}`;
    throw new ExpressionError(MAX_CHARACTERS + 1, `${problem}; evaluate parts of it in calls of their own`);
  }
  const cursor = cursorOver(tokenize(expression));
  const root = parseSum(cursor, 0);
  const token = cursor.take();
  if (token.kind !== 'end') throw unexpected(token, 'an operator or the end');
  return root;
}

function cursorOver(tokens: Iterator<Token, undefined>): Cursor {
  let current = tokens.next();
  const peek = () => {
    if (current.done) throw new RangeError('read past the end of an expression');
    return current.value;
  };
  const take = () => {
    const token = peek();
    current = tokens.next();
    return token;
  };
  return { peek, take };
}

function parseSum(cursor: Cursor, nesting: number): Expression {
  return parseChain(cursor, { operators: ['+', '-'], parseOperand: () => parseProduct(cursor, nesting) });
}

function parseProduct(cursor: Cursor, nesting: number): Expression {
  return parseChain(cursor, { operators: ['*', '/'], parseOperand: () => parseOperand(cursor, nesting) });
}

interface ChainRule {
  readonly operators: readonly Operator[];
  readonly parseOperand: () => Expression;
}

function parseChain(cursor: Cursor, { operators, parseOperand }: ChainRule): Expression {
  const first = parseOperand();
  const links: Link[] = [];
  for (;;) {
    const token = cursor.peek();
    const operator = token.kind === 'punctuator' ? operators.find((one) => one === token.text) : undefined;
    if (operator === undefined) return links.length === 0 ? first : { kind: 'chain', first, links };
    cursor.take();
    links.push({ operator, operand: parseOperand(), column: token.column });
  }
}

function parseOperand(cursor: Cursor, nesting: number): Expression {
  const negated = takeSigns(cursor);
  const token = cursor.take();
  const operand = parsePrimary(cursor, token, nesting);
  return negated ? { kind: 'negated', operand } : operand;
}

/** Reads the signs before an operand, any number of them in constant space. Returns whether they amount to a minus. */
function takeSigns(cursor: Cursor): boolean {
  let negated = false;
  for (let token = cursor.peek(); isPunctuator(token, '-') || isPunctuator(token, '+'); token = cursor.peek()) {
    if (token.text === '-') negated = !negated;
    cursor.take();
  }
  return negated;
}

function parsePrimary(cursor: Cursor, token: Token, nesting: number): Expression {
  if (token.kind === 'number') return token;
  if (!isPunctuator(token, '(')) throw unexpected(token, 'a number, "(" or "-"');
  if (nesting === MAX_NESTING) {
    const problem = `parentheses are nested more than ${MAX_NESTING} deep; evaluate the innermost in a call of their own`;
    throw new ExpressionError(token.column, problem);
  }
  const inner = parseSum(cursor, nesting + 1);
  const close = cursor.take();
  if (!isPunctuator(close, ')')) throw unexpected(close, `an operator or ")" for the "(" at column ${token.column}`);
  return inner;
}

function isPunctuator(token: Token, text: Punctuator): token is Token & { kind: 'punctuator' } {
  return token.kind === 'punctuator' && token.text === text;
}

function unexpected(token: Token, expected: string): ExpressionError {
  const found = token.kind === 'end' ? 'the end' : `"${shorten(token.text)}"`;
  return new ExpressionError(token.column, `expected ${expected}, found ${found}`);
}

function shorten(text: string): string {
  return text.length <= 32 ? text : `${text.slice(0, 31)}…`;
}
