import { unreadable } from './unreadable.js';

/** What stands between two operands. */
export type Operator = '+' | '-' | '*' | '/';

/** What is read as one character. */
export type Punctuator = Operator | '(' | ')';

/** One piece of an expression. */
export type Token =
  | { readonly kind: 'number'; readonly text: string; readonly column: number }
  | { readonly kind: 'punctuator'; readonly text: Punctuator; readonly column: number }
  | { readonly kind: 'end'; readonly column: number };

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /\d+(?:\.\d+)?|\.\d+/y;
const PUNCTUATORS: readonly Punctuator[] = ['+', '-', '*', '/', '(', ')'];

/**
 * Cuts an expression into tokens, the last of which is its end.
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

/** What a sticky pattern matches at `index`; '' where it doesn't. */
function match(pattern: RegExp, expression: string, index: number): string {
  pattern.lastIndex = index;
  return pattern.exec(expression)?.[0] ?? '';
}
