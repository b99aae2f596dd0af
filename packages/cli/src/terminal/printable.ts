/** What could make a terminal do, or show in an order, what the text's author likes: controls, and marks of direction. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** `text` on one line, with each control character written out. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => {
    return JSON.stringify(character)
      .slice(1, -1)
      .replace(CONTROL, (rest) => `\\u${hex(rest)}`);
  });
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0');
}
