import { fromJsonString, type JsonValue } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import { messageOf, UsageError } from '../errors.js';

/** Stands before the text of a number that a JavaScript number can't hold; of no use in text that people write. */
const MARK = '\ue000';
/** A string, which is left alone, or a number. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/**
 * Parses JSON as it was written: a number that JavaScript would round is kept as its text, to be read by
 * {@link numberText}; a key that stands twice is an error.
 *
 * @throws UsageError that says where the text is no JSON.
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

/** The number that `value` stands for, as it was written; undefined for anything but a number. */
export function numberText(value: JsonValue): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : undefined;
}

/** `value` with every number as JavaScript has it, for where no more is asked. */
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

/** Cuts text into the JSON values that stand in it one after the other, with or without space or lines between. */
export class JsonSplitter {
  readonly #decoder = new TextDecoder();
  #text = '';
  /** How far `#text` has been looked at. */
  #seen = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** The values that are complete with this piece of text. They may still be no JSON. */
  push(piece: Uint8Array | string): readonly string[] {
    this.#text += typeof piece === 'string' ? piece : this.#decoder.decode(piece, { stream: true });
    const values: string[] = [];
    while (this.#seen < this.#text.length) {
      const character = this.#text[this.#seen++] ?? '';
      if (this.#ends(character)) this.#cut(values);
    }
    return values;
  }

  /** The value that only the end of the text completes, if any. */
  end(): readonly string[] {
    const values: string[] = [];
    this.#cut(values);
    return values;
  }

  /** Whether a value ends with `character`; a number or a word does at the space behind it. */
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
