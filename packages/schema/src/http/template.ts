/** One segment of a path template: a literal, `*` for one segment, or `**` for any number of them. */
export type TemplateSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'rest' };

/** A variable of a path template: the field that receives the path's segments `from` to `to` (exclusive). */
export interface TemplateVariable {
  /** The field's path in the request message, such as `project.name`. */
  readonly field: string;
  readonly from: number;
  readonly to: number;
}

/** No published contract has half as many segments. */
const MAX_SEGMENTS = 50;

/** A parsed path template, such as `/v1/{name=projects/*}:estimate`. */
export interface PathTemplate {
  /** As written. */
  readonly text: string;
  readonly segments: readonly TemplateSegment[];
  readonly variables: readonly TemplateVariable[];
  /** The custom verb after the colon; empty if there is none. */
  readonly verb: string;
}

/** A path template that can't be parsed. */
export class TemplateError extends Error {
  /** Where in the template the fault is, from 0. */
  readonly position: number;

  constructor(text: string, position: number, reason: string) {
    super(`path template "${text}", character ${position + 1}: ${reason}`);
    this.position = position;
  }
}

/** The characters of a literal: those that no client percent-encodes in a path, without `:`, `*` and `=`. */
const LITERAL = /[\w\-.~!$&'()+,;@]+/y;
const FIELD_PATH = /[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/y;

/**
 * Parses a path template.
 *
 * Source: the grammar in https://github.com/googleapis/googleapis/blob/master/google/api/http.proto. The grammar allows `**` only
 * at the end; published contracts, such as Firestore's, have segments behind it, so this parser allows them.
 *
 * @throws TemplateError with the position of the fault.
 */
export function parseTemplate(text: string): PathTemplate {
  const parser = new Parser(text);
  parser.expect('/', 'a template begins with /');
  parser.parseSegments(true);
  const verb = parser.take(':') ? parser.match(LITERAL, 'a verb of letters and digits follows the colon') : '';
  if (!parser.atEnd) parser.fail('a template ends here, or goes on with / or :verb');
  return { text, segments: parser.segments, variables: parser.variables, verb };
}

class Parser {
  readonly segments: TemplateSegment[] = [];
  readonly variables: TemplateVariable[] = [];
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#position === this.#text.length;
  }

  parseSegments(variablesAllowed: boolean): void {
    do {
      if (this.segments.length === MAX_SEGMENTS) this.fail(`a template has at most ${MAX_SEGMENTS} segments`);
      if (this.#next === '{') {
        if (!variablesAllowed) this.fail('a variable must not contain another one');
        this.#parseVariable();
      } else {
        this.segments.push(this.#parseSegment());
      }
    } while (this.take('/'));
  }

  #parseVariable(): void {
    this.take('{');
    const start = this.#position;
    const field = this.match(FIELD_PATH, 'a field path, such as project.name, follows the brace');
    const same = this.variables.find((other) => other.field === field);
    if (same !== undefined) this.fail(`the field ${field} has a variable already`, start);
    const from = this.segments.length;
    if (this.take('=')) this.parseSegments(false);
    else this.segments.push({ kind: 'one' });
    this.expect('}', 'a closing brace ends the variable');
    this.variables.push({ field, from, to: this.segments.length });
  }

  #parseSegment(): TemplateSegment {
    if (this.take('**')) {
      if (this.segments.some(({ kind }) => kind === 'rest')) this.fail('a template has ** only once');
      return { kind: 'rest' };
    }
    if (this.take('*')) return { kind: 'one' };
    const start = this.#position;
    const text = this.match(
      LITERAL,
      "a segment is *, **, {field}, or of the characters A-Z a-z 0-9 _ - . ~ ! $ & ' ( ) + , ; @",
    );
    if (text === '.' || text === '..') this.fail(`clients remove the segment ${text} before they send a path`, start);
    return { kind: 'literal', text };
  }

  get #next(): string {
    return this.#text[this.#position] ?? '';
  }

  take(token: string): boolean {
    const found = this.#text.startsWith(token, this.#position);
    if (found) this.#position += token.length;
    return found;
  }

  expect(token: string, reason: string): void {
    if (!this.take(token)) this.fail(reason);
  }

  match(pattern: RegExp, reason: string): string {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return this.fail(reason);
    this.#position += found.length;
    return found;
  }

  fail(reason: string, position = this.#position): never {
    throw new TemplateError(this.#text, position, reason);
  }
}

/** The segments of a request's path, as received: `/v1/projects/7` has `v1`, `projects` and `7`. */
export const segmentsOf = (path: string): readonly string[] => path.slice(1).split('/');

/**
 * The decoded values of a template's variables in a path that fits its segments, by field path. Undefined if the path has
 * an escape that is not UTF-8.
 *
 * A variable of one segment is decoded as a whole. In one of several segments `%2F` stays as it is, so that it differs
 * from the slash between segments (google/api/http.proto).
 */
export function variablesOf(
  { variables, segments }: PathTemplate,
  path: readonly string[],
): ReadonlyMap<string, string> | undefined {
  const values = new Map<string, string>();
  const rest = segments.findIndex(({ kind }) => kind === 'rest');
  /** Where a position of the template is in the path: `**` stands for any number of segments. */
  const inPath = (position: number) =>
    rest >= 0 && position > rest ? position + path.length - segments.length : position;
  for (const { field, from, to } of variables) {
    const raw = path.slice(inPath(from), inPath(to));
    const several = to - from > 1 || from === rest;
    const value = several ? decodeSeveral(raw.join('/')) : decode(raw[0] ?? '');
    if (value === undefined) return undefined;
    values.set(field, value);
  }
  return values;
}

function decodeSeveral(raw: string): string | undefined {
  const parts = raw.split(/(%2f)/i).map((part, index) => (index % 2 === 1 ? part : decode(part)));
  return parts.includes(undefined) ? undefined : parts.join('');
}

function decode(raw: string): string | undefined {
  if (!raw.includes('%')) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined; // no UTF-8
  }
}
