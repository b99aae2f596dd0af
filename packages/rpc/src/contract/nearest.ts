/** Neither longer names nor more of them are compared: the time grows with their number, and with the square of their length. */
const MAX_LENGTH = 100;
const MAX_COMPARED = 100;

/** The name among `known` that `name` is probably a misspelling of; undefined if none is close. */
export function nearest<T extends string>(name: string, known: readonly T[]): T | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const maxEdits = Math.floor((name.length + 1) / 3);
  const ranked = known
    // The difference in length is a lower bound of the distance.
    .filter(({ length }) => length <= MAX_LENGTH && Math.abs(length - name.length) <= maxEdits)
    .slice(0, MAX_COMPARED)
    .map((candidate) => ({ candidate, edits: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ edits }) => edits <= maxEdits)
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.candidate;
}

/** The Levenshtein distance, one row at a time. */
export function editDistance(from: string, to: string): number {
  const others = [...to];
  let row = Array.from({ length: others.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 0; column < others.length; column += 1) {
      const replace = (row[column] ?? 0) + (letter === others[column] ? 0 : 1);
      next.push(Math.min(replace, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The most characters of a list of names in an error. */
const MAX_LISTED = 2_000;

/** Known names for an error: `a, b, c`; the first ones of many. */
export function listNames(names: readonly string[]): string {
  const text = names.slice(0, MAX_LISTED).join(', ');
  return text.length > MAX_LISTED ? `${text.slice(0, MAX_LISTED)}…` : text;
}

/** ` Did you mean "…"?` with the known name that is nearest; empty if none is near. It goes behind a sentence. */
export function didYouMean(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? '' : ` Did you mean "${meant}"?`;
}
