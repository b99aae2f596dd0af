import { cutOut } from '../text.js';
import { entriesOf, parseYaml } from './yaml-file.js';

/**
 * Removes entries from an object in the text of a JSON file, each with its comma. Every other byte is unchanged.
 *
 * @param where The keys that lead to the object; none for the file's own.
 */
export function removeEntries(
  text: string,
  { file, where = [] }: { readonly file: string; readonly where?: readonly string[] },
  isGone: (key: string) => boolean,
): string {
  const entries = entriesOf(parseYaml(file, text).node(...where));
  const at = entries.findLastIndex(({ key }) => isGone(key));
  const gone = entries[at];
  if (gone === undefined) return text;
  const [before, after] = [entries[at - 1], entries[at + 1]];
  const span =
    before === undefined
      ? { start: gone.span.start, end: after?.span.start ?? gone.span.end }
      : { start: before.span.end, end: gone.span.end };
  return removeEntries(cutOut(text, span), { file, where }, isGone);
}
