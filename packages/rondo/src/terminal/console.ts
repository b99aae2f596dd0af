/** Writes lines of tasks, in place of the global console, which lets control the terminal what is written. The linter refuses that one. */
import { shown } from './text.js';

const writeTo = (stream: NodeJS.WriteStream, text: string, end: string) =>
  void stream.write(`${shown(text, stream.hasColors?.() ?? false)}${end}`);

/** What another program or a server has written may be part of a line. */
export const console = {
  log: (text: string) => writeTo(process.stdout, text, '\n'),
  warn: (text: string) => writeTo(process.stderr, text, '\n'),
  error: (text: string) => writeTo(process.stderr, text, '\n'),
  /** Shows a text that the next line overwrites; an empty one clears the line. */
  status: (text: string) => writeTo(process.stdout, text, text === '' ? '\u001b[K' : '\r'),
};
