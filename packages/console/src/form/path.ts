/** The place of a value in a request, as `buf.validate` writes it: `lines[0].product`, `labels["a"]`. */
export const inside = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** The place of an item of a list. */
export const itemOf = (path: string, index: number): string => `${path}[${index}]`;

/** The place of an entry of a map. */
export const entryOf = (path: string, key: string): string => `${path}[${JSON.stringify(key)}]`;
