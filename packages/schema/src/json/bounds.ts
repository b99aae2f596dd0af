/** The most levels of a text that is parsed at all, far beyond the 100 that are read. */
const MAX_LEVELS = 1_000;

/** More than any double or 64-bit integer has, whatever zeros it is written with. */
const MAX_DIGITS = 1_000;

const [QUOTE, BACKSLASH, COMMA, COLON, ZERO, NINE] = [34, 92, 44, 58, 48, 57];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];

/** What a text has. If it is JSON, the numbers are exact. */
export interface JsonMeasures {
  /** The end of a sentence about a text that isn't worth parsing; the other measures are then only a part. */
  readonly unparsed?: string;
  /** How deep its lists and objects are nested. */
  readonly levels: number;
  /** How many names its objects have in all. */
  readonly names: number;
}

/**
 * Measures a text, and says why it isn't worth parsing: it nests lists and objects more than 1,000 deep, has a number of more than
 * 1,000 digits, or more than `maxValues` names, values and elements in all. JSON.parse takes seconds for a text of a few
 * MiB that is nothing but brackets, and a message of a million empty ones takes longer; this takes milliseconds.
 *
 * @param text needn't be JSON.
 */
export function measureJson(text: string, maxValues = Number.POSITIVE_INFINITY): JsonMeasures {
  let [open, levels, names, values, digits] = [0, 0, 0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char >= ZERO && char <= NINE) {
      digits += 1;
      if (digits > MAX_DIGITS) return { unparsed: `has a number of more than ${MAX_DIGITS} digits`, levels, names };
      continue;
    }
    digits = 0;
    if (char === QUOTE) at = endOfString(text, at) - 1;
    else if (char === COMMA || char === COLON || char === OPEN_LIST || char === OPEN_OBJECT) {
      values += 1;
      if (values > maxValues) return { unparsed: `has more than ${maxValues} values`, levels, names };
      if (char === COLON) names += 1;
      else if (char !== COMMA) open += 1;
      if (open > MAX_LEVELS) return { unparsed: 'is nested more than 100 deep', levels, names };
      if (open > levels) levels = open;
    } else if (char === CLOSE_LIST || char === CLOSE_OBJECT) open -= 1;
  }
  return { levels, names };
}

/** The position after the string that begins at `from`; that after the text if the string has no end. */
export function endOfString(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1);
  while (quote > 0 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote < 0 ? text.length : quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}
