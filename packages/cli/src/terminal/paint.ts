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
