/** A field of a JSON object; undefined if it is missing, or if there is no object. */
export function field(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, name) ? Reflect.get(json, name) : undefined;
}

/** The items of a JSON list; none if there is no list. */
export function items(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : [];
}

/** The text of a JSON string of at most `maxLength` characters; empty otherwise. */
export function textOf(json: unknown, maxLength = 256): string {
  return typeof json === 'string' && json.length <= maxLength ? json : '';
}
