/** Templates of generated files. They stand in `templates/` as what they become. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { tool } from './workspace/paths.js';

/** What a template is filled with: texts and numbers, views of sections, and whether a section stays. */
export interface View {
  readonly [name: string]: string | number | boolean | undefined | View | readonly (string | View)[];
}

/** A section on lines of its own, a part of a line, or a value. */
const PART =
  /^[ \t]*\{\{([#^])(\w+)\}\}\n([\s\S]*?)^[ \t]*\{\{\/\2\}\}\n|\{\{([#^])(\w+)\}\}(.*?)\{\{\/\5\}\}|\{\{([\w.]+)\}\}/gm;

/** Fills the file of a template. The file is one of `templates/`. */
export const fillFile = (file: string, view: View): string =>
  fill(readFileSync(path.join(tool, 'templates', file), 'utf8'), view);

/**
 * Fills a template, whose syntax is that of Mustache: `{{name}}` is a value. `{{#name}}…{{/name}}` is there once for each view of a list,
 * and once for another value that isn't empty; `{{^name}}` is there for one that is. `{{.}}` is a text of a list.
 *
 * @throws Error if the template names a value that isn't there.
 */
export function fill(template: string, view: View): string {
  return template.replaceAll(PART, (_, ...found: readonly string[]) => {
    const [value, parts] = [found[6], found.slice(0, 6).filter((part) => part !== undefined)];
    if (value !== undefined) return textOf(view, value);
    const [kind = '', name = '', body = ''] = parts;
    const views = viewsOf(view[name]);
    if (kind === '^') return views.length === 0 ? fill(body, view) : '';
    return views.map((one) => fill(body, { ...view, ...one })).join('');
  });
}

function textOf(view: View, name: string): string {
  const value = view[name];
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Error(`the template names ${name}, which has no value`);
}

function viewsOf(value: View[string]): readonly View[] {
  if (value === undefined || value === '' || value === false) return [];
  if (isList(value)) return value.map((one) => (typeof one === 'string' ? { '.': one } : one));
  return [typeof value === 'object' ? value : {}];
}

const isList = (value: View[string]): value is readonly (string | View)[] => Array.isArray(value);
