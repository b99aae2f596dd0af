import { ExpressionError } from './expression-error.js';

/** What to write in place of characters that people expect to work. */
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

/** The error for `rest`, which begins with nothing that can be read. */
export function unreadable(rest: string, column: number): ExpressionError {
  const exponent = EXPONENT.exec(rest)?.[0];
  if (exponent !== undefined) {
    return new ExpressionError(column, `found the exponent "${exponent}"; write the number out, 1e3 as 1000`);
  }
  const word = WORD.exec(rest)?.[0];
  if (word !== undefined) return new ExpressionError(column, `found "${word}", which is no number; ${ALLOWED}`);
  const [character = ''] = rest; // by iteration, so that a character of two UTF-16 units stays whole
  return new ExpressionError(column, `found ${shown(character)}; ${REMEDIES.get(character) ?? ALLOWED}`);
}

/** Characters that can't be seen are named by their code point alone, so that they can't garble a log. */
function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  if (!PRINTABLE.test(character)) return name;
  return code < 0x80 ? `"${character}"` : `"${character}" (${name})`;
}
