import type { Paint, Style } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';

export interface LogLine {
  readonly instance: string;
  readonly text: string;
  /** Milliseconds since the Unix epoch. A line without a time has the time of the line before it. */
  readonly timeMs: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that aren't printed as `key=value`: they have columns of their own, or are the same in all lines of a process. */
const SHOWN = new Set(['time', 'level', 'msg', 'instance', 'service', 'pid', 'hostname']);
/** Pino's numeric levels, for processes that don't write names. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const STYLES: Readonly<Record<string, Style>> = {
  WARN: 'yellow',
  ERROR: 'red',
  FATAL: 'red',
  DEBUG: 'dim',
  TRACE: 'dim',
};

/** The start of a line in PostgreSQL's log. */
const POSTGRES_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC/;

/** The latest time of a `Date`. A larger number is no time in milliseconds. */
const MAX_TIME_MS = 8.64e15;

/** Parses a line. `previousMs` is the time of the line before it. */
export function toLogLine(instance: string, text: string, previousMs: number): LogLine {
  const time = parse(text)?.['time'] ?? POSTGRES_TIME.exec(text)?.[0];
  const timeMs = typeof time === 'number' ? time : Date.parse(typeof time === 'string' ? time : '');
  return { instance, text, timeMs: Math.abs(timeMs) <= MAX_TIME_MS ? timeMs : previousMs };
}

/**
 * A line for people: time (UTC), instance, level, message and other fields, and below it the stacks of its errors. A line that
 * isn't JSON is printed as it is.
 */
export function formatLogLine({ instance, text, timeMs }: LogLine, width: number, paint: Paint): string {
  const fields = parse(text);
  const name = paint('cyan', instance.padEnd(width));
  if (fields === undefined) return `${' '.repeat(13)} ${name}       ${printable(text)}`;
  const level = levelOf(fields);
  const time = timeMs === 0 ? ' '.repeat(13) : new Date(timeMs).toISOString().slice(11);
  const rest = Object.entries(fields)
    .filter(([key]) => !SHOWN.has(key))
    .map(([key, value]) => ` ${paint('dim', `${printable(key)}=`)}${show(value)}`);
  const style = STYLES[level];
  const shownLevel = style === undefined ? level.padEnd(5) : paint(style, level.padEnd(5));
  const line = `${paint('dim', time)} ${name} ${shownLevel} ${printable(String(fields['msg'] ?? ''))}${rest.join('')}`;
  return [line, ...stacksOf(fields).map((part) => paint('dim', `    ${printable(part)}`))].join('\n');
}

const stacksOf = (fields: Fields): readonly string[] =>
  Object.values(fields).flatMap((value) => {
    const { message, stack } = isFields(value) ? value : {};
    return typeof message === 'string' && typeof stack === 'string' ? formatStack(message, stack) : [];
  });

function parse(text: string): Fields | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined; // the line was cut off: it is printed as it is
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function levelOf({ level }: Fields): string {
  const name = typeof level === 'number' ? (LEVELS[level] ?? String(level)) : level;
  return typeof name === 'string' ? printable(name).toUpperCase() : '';
}

/** A field's value: text without spaces has no quotes, and an error is shown by its message. */
function show(value: unknown): string {
  if (isFields(value) && typeof value['message'] === 'string') return show(value['message']);
  if (typeof value === 'string' && /^[^\s"=\p{Cc}]+$/u.test(value)) return value;
  return printable(JSON.stringify(value));
}

const MAX_FRAMES = 8;
const MAX_ERRORS = 6;
const CAUSED_BY = 'caused by: ';

/**
 * The lines of a stack in pino's form, in which `caused by:` precedes each cause. It leaves out text that `message`, printed
 * above, has already, and all but the first frames and causes.
 */
function formatStack(message: string, stack: string): readonly string[] {
  const errors = stack.split(`\n${CAUSED_BY}`);
  const shown = errors.slice(0, MAX_ERRORS).flatMap((error, index) => formatError(message, error, index > 0));
  return errors.length > MAX_ERRORS ? [...shown, `… and ${errors.length - MAX_ERRORS} more causes`] : shown;
}

function formatError(message: string, error: string, isCause: boolean): readonly string[] {
  const lines = error.split('\n').map((line) => line.trim());
  const frames = lines.filter((line) => line.startsWith('at '));
  const first = lines.findIndex((line) => line.startsWith('at '));
  const title = lines.slice(0, first === -1 ? lines.length : first).join(' ');
  const more = frames.length - MAX_FRAMES;
  return [
    ...(isCause ? [`${CAUSED_BY}${untold(title, message)}`] : []),
    ...frames.slice(0, MAX_FRAMES),
    ...(more > 0 ? [`… and ${more} more`] : []),
  ];
}

/** Shortens `Error: text` to `Error` if the message has the text. */
function untold(title: string, message: string): string {
  const [, type, text] = /^([\w$.]+): (.*)$/s.exec(title) ?? [];
  return type !== undefined && text !== undefined && message.includes(text) ? type : title;
}
