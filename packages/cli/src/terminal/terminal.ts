import { createPaint, type Paint } from './paint.js';

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

export const lookOf = ({ color, width }: Terminal): Look => ({ paint: createPaint(color), width });

/** Where a command reads requests from. */
export interface Input {
  /** Whether a person types it: nothing is read from there unless it is asked for. */
  readonly interactive: boolean;
  /** What comes in, until its end. It can be read once. */
  read(): AsyncIterable<Uint8Array>;
}
