import type { Paint } from './paint.js';

/** The parts of JSON text that are set off: a text, with its colon if it is a key, or any other value. */
const PARTS = /"(?:[^"\\]|\\.)*"(?:\s*:)?|-?\b\d[\d.eE+-]*|\b(?:true|false|null)\b/g;

/** Sets off keys and values in JSON text. The characters stay the same. */
export function paintJson(text: string, paint: Paint): string {
  return text.replaceAll(PARTS, (part) => {
    if (!part.startsWith('"')) return paint('yellow', part);
    return part.endsWith(':') ? `${paint('cyan', part.slice(0, -1))}:` : paint('green', part);
  });
}
