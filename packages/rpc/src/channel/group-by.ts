/** The items of each group, in their order; a group's name is what `by` gives. */
export function groupBy<T>(items: readonly T[], by: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = by(item);
    const present = groups.get(name);
    if (present === undefined) groups.set(name, [item]);
    else present.push(item);
  }
  return groups;
}
