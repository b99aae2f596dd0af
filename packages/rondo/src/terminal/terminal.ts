import { styleText } from 'node:util';
import { shown } from './text.js';

/** An output stream: standard output, standard error, or a test's own. */
export interface Terminal {
  readonly color: boolean;
  /** Whether it is a terminal: a line may be overwritten. */
  readonly live: boolean;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /**
   * Writes text, with what could control the terminal escaped. Resolves when more may be written, so that a slow reader slows the
   * writer (backpressure).
   *
   * @param over What the text is written over; by default nothing.
   */
  write(text: string, over?: Over): Promise<void>;
}

/** What is on the terminal and replaced: the line of the cursor, or the screen. */
export type Over = 'line' | 'screen';

/** The first cell of the screen, and lines that are cut instead of wrapped. */
const BEGIN = '\u001b[?7l\u001b[H';
/** To the end of the line. */
const REST_OF_LINE = '\u001b[K';
/** To the end of the screen; from now on lines are wrapped again. */
const END = '\u001b[J\u001b[?7h';

/** What a {@link Terminal} writes. */
export function rendered(text: string, { color }: Pick<Terminal, 'color'>, over?: Over): string {
  const safe = shown(text, color);
  if (over === 'screen') return BEGIN + safe.replaceAll('\n', `${REST_OF_LINE}\n`) + END;
  return over === 'line' ? `\r${REST_OF_LINE}${safe}` : safe;
}

export interface Look {
  readonly paint: Paint;
  readonly width?: number | undefined;
}

export const tableLook = ({ color, width }: Terminal): Look => ({ paint: createPaint(color), width });

/** The input stream of a command. */
export interface Input {
  /** Whether it is a terminal. Then a command reads it only if an argument says so. */
  readonly interactive: boolean;
  /** The bytes until the end of the stream. It can be read once. */
  read(): AsyncIterable<Uint8Array>;
}

interface ColorOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly interactive: boolean;
}

/**
 * Whether text may be coloured: NO_COLOR forbids it, FORCE_COLOR turns it on; otherwise a terminal that isn't `dumb` may.
 *
 * Sources: https://no-color.org, https://force-color.org (0 is Node's own way to say no).
 */
export function wantsColor({ environment, interactive }: ColorOptions): boolean {
  if (isSet(environment['NO_COLOR'])) return false;
  if (isSet(environment['FORCE_COLOR'])) return environment['FORCE_COLOR'] !== '0';
  return interactive && environment['TERM'] !== 'dumb';
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Styles text if the output shows colours; otherwise returns it unchanged. */
export type Paint = (style: Style, text: string) => string;

/** Makes a {@link Paint} for an output with or without colours. Node would ask standard output, which may be another. */
export const createPaint = (color: boolean): Paint =>
  color ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;

/** The tokens of JSON text that are coloured: strings, with the colon if it is a key, numbers and words. */
const JSON_PARTS = /"(?:[^"\\]|\\.)*"(?:\s*:)?|-?\b\d[\d.eE+-]*|\b(?:true|false|null)\b/g;

export function paintJson(text: string, paint: Paint): string {
  return text.replaceAll(JSON_PARTS, (part) => {
    if (!part.startsWith('"')) return paint('yellow', part);
    return part.endsWith(':') ? `${paint('cyan', part.slice(0, -1))}:` : paint('green', part);
  });
}
