/** Resource names in the format of AIP-122 (google.aip.dev/122). */

/** The names of one kind of resource. */
export interface NamePattern<Id> {
  /** The pattern as text, such as `projects/{project}`. */
  readonly pattern: string;
  /** The id in `name`; undefined if the name doesn't match the pattern. */
  parse(name: string): Id | undefined;
}

const ID = '[a-z0-9][a-z0-9-]{0,62}';
const WHOLE_ID = new RegExp(`^${ID}$`);

/** Whether `text` is a valid id: 1 to 63 of a-z 0-9 -, not beginning with -. */
export function isId(text: string): boolean {
  return WHOLE_ID.test(text);
}

/**
 * The names of a pattern such as `projects/{project}/tasks/{task}`.
 *
 * @param toId makes the resource's id from the ids in a name, which come in the order of the pattern.
 */
export function namePattern<Id>(pattern: string, toId: (...ids: string[]) => Id): NamePattern<Id> {
  const names = new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, `(${ID})`)}$`);
  return {
    pattern,
    parse(name) {
      const [, ...ids] = names.exec(name) ?? [''];
      return ids.length === 0 ? undefined : toId(...ids);
    },
  };
}

/** What is wrong with a name that isn't one of the pattern. */
export function wrongName(pattern: string, name: string, ids = ''): string {
  return `must be of the pattern ${pattern}, where an id is 1 to 63 of a-z 0-9 -${ids}; it is "${name}"`;
}
