import { fromJsonString, type JsonValue } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import { messageOf, UsageError } from '../errors.js';

/** Prefixes the text of a number that a JavaScript number can't hold. It is a private-use character, which people don't write. */
const MARK = '\ue000';
/** A string or a number. Strings are matched so that numbers in them are left alone. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/**
 * Parses JSON without loss. A number that JavaScript would round is kept as marked text, which {@link numberText} reads. A
 * repeated key is an error.
 *
 * @throws UsageError that says where the text is not JSON.
 */
export function parseJson(text: string): JsonValue {
  try {
    fromJsonString(ValueSchema, text); // refuses repeated keys, which JSON.parse drops
    const value: JsonValue = JSON.parse(
      text.replace(TOKEN, (token) => (isRounded(token) ? `"${MARK}${token}"` : token)),
    );
    return value;
  } catch (error) {
    const reason = messageOf(error).replace(/^cannot decode message \S+ from JSON: /, '');
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new UsageError(`the request is not JSON: ${reason}: ${shown}`);
  }
}

/** The text of a number as it was written; undefined if `value` is not a number. */
export function numberText(value: JsonValue): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : undefined;
}

/** `value` with JavaScript numbers in place of marked text, for types whose numbers are doubles. */
export function withPlainNumbers(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withPlainNumbers);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withPlainNumbers(member)]));
  }
  const text = numberText(value);
  return text === undefined ? value : Number(text);
}

function isRounded(token: string): boolean {
  return !token.startsWith('"') && Math.abs(Number(token)) > Number.MAX_SAFE_INTEGER;
}

/** Splits text into consecutive JSON values, with or without white space between them. */
export class JsonSplitter {
  readonly #decoder = new TextDecoder();
  #text = '';
  /** How much of `#text` has been scanned. */
  #seen = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** Adds a piece of text and returns the values that it completes. They may be invalid JSON. */
  push(piece: Uint8Array | string): readonly string[] {
    this.#text += typeof piece === 'string' ? piece : this.#decoder.decode(piece, { stream: true });
    const values: string[] = [];
    while (this.#seen < this.#text.length) {
      const character = this.#text[this.#seen++] ?? '';
      if (this.#ends(character)) this.#cut(values);
    }
    return values;
  }

  /** Ends the text and returns the value that this completes, if any. */
  end(): readonly string[] {
    const values: string[] = [];
    this.#cut(values);
    return values;
  }

  /** Whether a value ends with `character`. Numbers and words end at the white space after them. */
  #ends(character: string): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (character === '\\') this.#escaped = true;
      else if (character === '"') this.#inString = false;
      return !this.#inString && this.#depth === 0;
    }
    if (character === '"') this.#inString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') {
      this.#depth = Math.max(0, this.#depth - 1);
      return this.#depth === 0;
    }
    return this.#depth === 0 && /\s/.test(character);
  }

  #cut(values: string[]): void {
    const value = this.#text.slice(0, this.#seen).trim();
    this.#text = this.#text.slice(this.#seen);
    this.#seen = 0;
    if (value !== '') values.push(value);
  }
}
