/** The most levels of a text that is parsed at all, far beyond the 100 that are read. */
const MAX_LEVELS = 1_000;

/** More than any double or 64-bit integer has, whatever zeros it is written with. */
const MAX_DIGITS = 1_000;

const [QUOTE, BACKSLASH, COMMA, COLON, ZERO, NINE] = [34, 92, 44, 58, 48, 57];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];

/**
 * Why a text isn't worth parsing: it nests lists and objects more than 1,000 deep, has a number of more than 1,000
 * digits, or more than `maxValues` names, values and elements in all. JSON.parse takes seconds for a text of a few
 * MiB that is nothing but brackets, and a message of a million empty ones takes longer; this takes milliseconds.
 *
 * @param text needn't be JSON.
 * @returns the end of a sentence about the text; undefined if it is worth parsing.
 */
export function whyUnparsed(text: string, maxValues = Number.POSITIVE_INFINITY): string | undefined {
  // None of the bounds is reached by a shorter text.
  if (text.length <= Math.min(MAX_LEVELS, MAX_DIGITS, maxValues)) return undefined;
  let [levels, values, digits, inString] = [0, 0, 0, false];
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    digits = char >= ZERO && char <= NINE && !inString ? digits + 1 : 0;
    if (char === QUOTE) inString = !inString;
    else if (inString) at += char === BACKSLASH ? 1 : 0;
    else if (char === COMMA || char === COLON) values += 1;
    else if (char === OPEN_LIST || char === OPEN_OBJECT) {
      levels += 1;
      values += 1;
    } else if (char === CLOSE_LIST || char === CLOSE_OBJECT) levels -= 1;
    if (levels > MAX_LEVELS) return 'is nested more than 100 deep';
    if (digits > MAX_DIGITS) return `has a number of more than ${MAX_DIGITS} digits`;
    if (values > maxValues) return `has more than ${maxValues} values`;
  }
  return undefined;
}
