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
