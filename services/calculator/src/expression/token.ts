/** A binary operator. */
export type Operator = '+' | '-' | '*' | '/';

/** A token of one character. */
export type Punctuator = Operator | '(' | ')';

/** A token of an expression. */
export type Token =
  | { readonly kind: 'number'; readonly text: string; readonly column: number }
  | { readonly kind: 'punctuator'; readonly text: Punctuator; readonly column: number }
  | { readonly kind: 'end'; readonly column: number };

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /\d+(?:\.\d+)?|\.\d+/y;
const PUNCTUATORS: readonly Punctuator[] = ['+', '-', '*', '/', '(', ')'];

/**
 * Splits an expression into tokens, the last of which is its end.
 *
 * @throws ExpressionError at the first character that begins no token.
 */
export function* tokenize(expression: string): Generator<Token, undefined> {
  let index = 0;
  for (;;) {
    index += match(SPACE, expression, index).length;
    const column = index + 1;
    if (index === expression.length) {
      yield { kind: 'end', column };
      return;
    }
    const token = punctuatorAt(expression, index) ?? numberAt(expression, index);
    if (token === undefined) throw unreadable(expression.slice(index), column);
    yield token;
    index += token.text.length;
  }
}

function punctuatorAt(expression: string, index: number) {
  const text = PUNCTUATORS.find((one) => one === expression.charAt(index));
  return text && ({ kind: 'punctuator', text, column: index + 1 } as const);
}

function numberAt(expression: string, index: number) {
  const text = match(NUMBER, expression, index);
  return text === '' ? undefined : ({ kind: 'number', text, column: index + 1 } as const);
}

/** The match of a sticky pattern at `index`; '' if there is none. */
function match(pattern: RegExp, expression: string, index: number): string {
  pattern.lastIndex = index;
  return pattern.exec(expression)?.[0] ?? '';
}

/** What to write instead of characters that users may expect to work. */
const REMEDIES = new Map([
  ['.', 'put a digit after the decimal point'],
  [',', 'write decimals with a point and no separator of thousands, such as 1234.5'],
  ['_', 'write numbers without separators'],
  ['%', 'write a percentage as a decimal, such as 0.15'],
  ['^', 'write a power as a product'],
  ['×', 'write *'],
  ['·', 'write *'],
  ['÷', 'write /'],
  [':', 'write /'],
  ['−', 'write -'],
  ['–', 'write -'],
  ['[', 'write ('],
  [']', 'write )'],
]);
const ALLOWED = 'use decimals, + - * / and parentheses';

const EXPONENT = /^e[-+]?\d+/i;
const WORD = /^[a-z]\w{0,31}/i;
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

/** The error for `rest`, which begins with no valid token. */
function unreadable(rest: string, column: number): ExpressionError {
  const exponent = EXPONENT.exec(rest)?.[0];
  if (exponent !== undefined) {
    return new ExpressionError(column, `found the exponent "${exponent}"; write the number out, 1e3 as 1000`);
  }
  const word = WORD.exec(rest)?.[0];
  if (word !== undefined) return new ExpressionError(column, `found "${word}", which is not a number; ${ALLOWED}`);
  const [character = ''] = rest; // by iteration, so that a character of two UTF-16 units stays whole
  return new ExpressionError(column, `found ${shown(character)}; ${REMEDIES.get(character) ?? ALLOWED}`);
}

/**
 * Formats a character for a message. An invisible character is named only by its code point, so that it can't garble a
 * log.
 */
function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  if (!PRINTABLE.test(character)) return name;
  return code < 0x80 ? `"${character}"` : `"${character}" (${name})`;
}

/** An expression that can't be parsed or has no value. The message states the column and what to do. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  /** The column of the fault; the first character is column 1. */
  readonly column: number;

  constructor(column: number, problem: string) {
    super(`column ${column}: ${problem}`);
    this.column = column;
  }
}
