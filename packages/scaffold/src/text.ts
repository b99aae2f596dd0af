/** A part of a text, from an offset to the one behind it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The text with `inserted` at an offset. */
export const spliceIn = (text: string, offset: number, inserted: string): string =>
  text.slice(0, offset) + inserted + text.slice(offset);

/** The text without a part. */
export const cutOut = (text: string, { start, end }: Span): string => text.slice(0, start) + text.slice(end);

/** The number of the line in which an offset lies, from 1. */
export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

/** Where the line of an offset begins. */
export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** Where the line after that of an offset begins. */
export function nextLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

/** What breaks the lines of a text. */
export const lineBreakOf = (text: string): string => (/\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n');
