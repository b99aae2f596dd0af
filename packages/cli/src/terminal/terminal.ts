/** Where text for people or programs goes: standard output, standard error, or a test's own. */
export interface Terminal {
  /** Whether text may be coloured. */
  readonly color: boolean;
  /** Whether a person looks on: a line may be written over. */
  readonly live: boolean;
  /** How many characters a line of it takes; undefined if it isn't a terminal. */
  readonly width?: number | undefined;
  /** Resolves once more may be written, so that a slow reader slows the writer and nothing piles up. */
  write(text: string): Promise<void>;
}

/** How a terminal shows text. */
export interface Look {
  readonly paint: Paint;
  readonly width?: number | undefined;
}

export const tableLook = ({ color, width }: Terminal): Look => ({ paint: createPaint(color), width });

/** Where a command reads requests from. */
export interface Input {
  /** Whether a person types it: nothing is read from there unless it is asked for. */
  readonly interactive: boolean;
  /** What comes in, until its end. It can be read once. */
  read(): AsyncIterable<Uint8Array>;
}

/** What decides about colours. */
interface ColorOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether the text goes to a terminal. */
  readonly interactive: boolean;
}

/**
 * Whether text may be coloured: NO_COLOR forbids it, FORCE_COLOR has it everywhere, else a terminal that isn't `dumb` may.
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

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** A way to set text off. */
export type Style = keyof typeof CODES;

/** Sets text off where its reader can see it, and leaves it alone elsewhere. */
export type Paint = (style: Style, text: string) => string;

/** Makes a painter for a place that shows colours, or doesn't. */
export function createPaint(color: boolean): Paint {
  if (!color) return (_style, text) => text;
  return (style, text) => `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m`;
}

/** The parts of JSON text that are set off: a text, with its colon if it is a key, or any other value. */
const JSON_PARTS = /"(?:[^"\\]|\\.)*"(?:\s*:)?|-?\b\d[\d.eE+-]*|\b(?:true|false|null)\b/g;

/** Sets off keys and values in JSON text. The characters stay the same. */
export function paintJson(text: string, paint: Paint): string {
  return text.replaceAll(JSON_PARTS, (part) => {
    if (!part.startsWith('"')) return paint('yellow', part);
    return part.endsWith(':') ? `${paint('cyan', part.slice(0, -1))}:` : paint('green', part);
  });
}
