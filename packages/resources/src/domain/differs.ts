/** Whether setting `fields` would change `present`. All values are plain data. */
export function differs<T extends object>(present: T, fields: Partial<T>): boolean {
  const values = new Map<string, unknown>(Object.entries(present));
  return Object.entries(fields).some(([key, value]) => textOf(value) !== textOf(values.get(key)));
}

/** JSON with sorted keys: equal values give equal text, whatever the order of their keys. Undefined has no text. */
function textOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
