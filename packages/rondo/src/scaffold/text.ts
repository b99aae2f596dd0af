/** A part of a text: from offset `start` up to, but not including, offset `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Inserts `inserted` at an offset. */
export const spliceIn = (text: string, offset: number, inserted: string): string =>
  text.slice(0, offset) + inserted + text.slice(offset);

/** Removes a part of a text. */
export const cutOut = (text: string, { start, end }: Span): string => text.slice(0, start) + text.slice(end);

/** The line number of an offset, from 1. */
export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

/** The offset at which the line of `offset` begins. */
export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** The offset at which the next line begins. */
export function nextLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}
