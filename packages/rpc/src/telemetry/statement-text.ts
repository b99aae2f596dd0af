/** A longer text of a statement is cut. Characters. */
const MAX_TEXT = 2_048;

/**
 * What PostgreSQL reads as one piece: identifiers in quotes and parameters, which stay, and values: texts with escapes, texts, texts between
 * dollars, and numbers. A value that the cut has left without its end goes to the end of the text. Source: PostgreSQL 18, 4.1 Lexical Structure.
 */
const PIECES =
  /\be'(?:[^'\\]|\\.|'')*'?|(?<kept>"(?:[^"]|"")*"?|\$\d+|[a-z_]\w*)|'(?:[^']|'')*'?|\$(?<tag>[a-z_]\w*|)\$[\s\S]*?(?:\$\k<tag>\$|$)|\d+(?:\.\d+)?/gi;

/** The text of a statement with `?` in place of values that should have been parameters, cut to 2,048 characters. */
export function withoutValues(text: string): string {
  return text.slice(0, MAX_TEXT).replace(PIECES, (_value, kept?: string) => kept ?? '?');
}
