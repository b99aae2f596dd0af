/** What a template is filled with. */
export interface Filling {
  /** By the name that the template has in double braces. */
  readonly values: Readonly<Record<string, string>>;
  /** Whether the lines between `# database` and `# /database` stay; if not, those of `# no database` do. */
  readonly withDatabase: boolean;
}

/**
 * Fills a file of the template.
 *
 * @throws Error if it names a value that isn't there.
 */
export function fill(text: string, { values, withDatabase }: Filling): string {
  const [kept, left] = withDatabase ? ['database', 'no database'] : ['no database', 'database'];
  return text
    .replace(new RegExp(`^ *# ${left}\\n[\\s\\S]*?^ *# /${left}\\n`, 'gm'), '')
    .replace(new RegExp(`^ *# /?${kept}\\n`, 'gm'), '')
    .replace(/\n+$/, '\n')
    .replaceAll(/\{\{([\w@/-]+)\}\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`the template names ${name}, which has no value`);
      return value;
    });
}
