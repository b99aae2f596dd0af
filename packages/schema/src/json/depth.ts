/** Far beyond the 100 levels that are read: a text with so many is hopeless, and one without is cheap to parse. */
const HOPELESS = 1_000;

const [QUOTE, BACKSLASH] = [34, 92];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];

/**
 * Whether lists and objects are inside each other by more than 1,000 levels. JSON.parse takes seconds for a text of a few
 * MiB that is nothing but brackets; this takes milliseconds. The text needn't be JSON.
 */
export function isTooDeep(text: string): boolean {
  if (text.length <= HOPELESS) return false;
  let levels = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) inString = !inString;
    else if (inString) at += char === BACKSLASH ? 1 : 0;
    else if (char === OPEN_LIST || char === OPEN_OBJECT) levels += 1;
    else if (char === CLOSE_LIST || char === CLOSE_OBJECT) levels -= 1;
    if (levels > HOPELESS) return true;
  }
  return false;
}
