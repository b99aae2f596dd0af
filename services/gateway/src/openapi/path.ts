import type { HttpBinding } from '@rondo/schema/http';

/** A path of OpenAPI, made of a path template. */
export interface OpenApiPath {
  /** Such as `/v1/projects/{project}:estimate`. */
  readonly text: string;
  readonly variables: readonly PathVariable[];
}

/** A variable of the path: one segment. */
export interface PathVariable {
  readonly name: string;
  /** The field of the request that it fills, or a part of it, by its path in the contract; undefined if it fills none. */
  readonly field: string | undefined;
  /** The form of the field if this is a part of it, such as `projects/{project}`. */
  readonly partOf: string | undefined;
  /** Whether it may hold several segments, with slashes. */
  readonly several: boolean;
}

/**
 * Writes a path template so that generated clients needn't write slashes: `/v1/{name=projects/*}` becomes
 * `/v1/projects/{project}`. A variable is named after its field, or by the literal before it if it is a part of its field.
 */
export function toOpenApiPath({ segments, variables, verb }: HttpBinding['template']): OpenApiPath {
  const names: (string | undefined)[] = [];
  const isTaken = (name: string) => names.includes(name);
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === 'literal') {
      names.push(undefined);
      continue;
    }
    const whole = variables.find(({ from, to }) => from === index && to === index + 1);
    names.push(unique(whole ? camelCase(whole.field) : nameAfter(segments[index - 1], index), isTaken));
  }
  const texts = segments.map((segment, index) => (segment.kind === 'literal' ? segment.text : `{${names[index]}}`));
  const found = segments.flatMap((segment, index): PathVariable[] => {
    const name = names[index];
    if (name === undefined) return [];
    const variable = variables.find(({ from, to }) => from <= index && index < to);
    const form =
      variable && variable.to - variable.from > 1 ? texts.slice(variable.from, variable.to).join('/') : undefined;
    return [{ name, field: variable?.field, partOf: form, several: segment.kind === 'rest' }];
  });
  return { text: `/${texts.join('/')}${verb === '' ? '' : `:${verb}`}`, variables: found };
}

/** The path without the names of its variables. In OpenAPI, two paths that differ only in these names are the same. */
export const shapeOfPath = (text: string): string => text.replace(/\{[^}]*\}/g, '{}');

/** The path with other names for its variables, in their order. */
export function renameVariables({ text, variables }: OpenApiPath, like: OpenApiPath): OpenApiPath {
  if (text === like.text) return { text, variables };
  const name = (index: number, own: string) => like.variables[index]?.name ?? own;
  const rename = (form: string | undefined) =>
    form?.replace(/\{([^}]*)\}/g, (_, own: string) => {
      const index = variables.findIndex((variable) => variable.name === own);
      return `{${name(index, own)}}`;
    });
  return {
    text: like.text,
    variables: variables.map((variable, index) => ({
      ...variable,
      name: name(index, variable.name),
      partOf: rename(variable.partOf),
    })),
  };
}

function unique(name: string, isTaken: (name: string) => boolean): string {
  let free = name;
  for (let number = 2; isTaken(free); number += 1) free = `${name}${number}`;
  return free;
}

/** The singular of a literal: what a segment behind `projects` identifies is a project. */
function nameAfter(before: HttpBinding['template']['segments'][number] | undefined, index: number): string {
  if (before?.kind !== 'literal') return `name${index}`;
  return singular(camelCase(before.text));
}

function singular(word: string): string {
  if (/[^aeiou]ies$/i.test(word)) return word.replace(/ies$/i, 'y');
  if (/(?:ss|x|z|ch|sh)es$/i.test(word)) return word.slice(0, -2);
  return /[^su]s$/i.test(word) ? word.slice(0, -1) : word;
}

/** As JSON names fields: generated code makes an identifier of it. */
const camelCase = (text: string) =>
  text.replace(/[^A-Za-z0-9.]+(.?)/g, (_, next: string) => next.toUpperCase()).replace(/^[^A-Za-z]+/, '') || 'name';
