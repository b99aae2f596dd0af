import { fromJsonString, type JsonValue } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';

/** Prefixes the text of a number that a JavaScript number can't hold. It is a private-use character, which people don't write. */
const MARK = '\ue000';
/** A string or a number. Strings are matched so that numbers in them are left alone. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/**
 * Parses JSON without loss. A number that JavaScript would round is kept as marked text, which {@link numberText} reads. A
 * repeated key is an error.
 *
 * @throws SyntaxError that says where the text is not JSON.
 */
export function parseJson(text: string): JsonValue {
  try {
    fromJsonString(ValueSchema, text); // refuses repeated keys, which JSON.parse drops
    const value: JsonValue = JSON.parse(
      text.replace(TOKEN, (token) => (isRounded(token) ? `"${MARK}${token}"` : token)),
    );
    return value;
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error).replace(
      /^cannot decode message \S+ from JSON: /,
      '',
    );
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new SyntaxError(`the request is not JSON: ${reason}: ${shown}`, { cause: error });
  }
}

/** The text of a number as it was written; undefined if `value` is not a number. */
export function numberText(value: JsonValue): string | undefined {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
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
