import { randomUUID } from 'node:crypto';
import type { JsonValue } from '@bufbuild/protobuf';
import { endOfString, type JsonMeasures, measureJson } from './bounds.js';

/** Prefixes the text of a number that a JavaScript number or JSON.stringify can't hold. No other text begins so, as it can't be guessed. */
const MARK = `\ue000${randomUUID()}`;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Whether a text may have a number that JavaScript would round. */
const LONG_NUMBER = /[\d.]{16}|\d[eE]/;
/** Whether a text may have half of a surrogate pair, which no UTF-8 has. */
const SURROGATE = /\\u[dD][89a-fA-F]/;

/**
 * Parses JSON without loss. A number that JavaScript would round is kept as marked text, which {@link numberText} reads. A
 * repeated key is an error, and so are objects and lists that are nested more than 100 deep.
 *
 * @param measures of the text, if they are known.
 * @throws SyntaxError that says where the text is not JSON.
 */
export function parseJson(text: string, measures: JsonMeasures = measureJson(text)): JsonValue {
  const { unparsed, levels, names } = measures;
  try {
    if (unparsed !== undefined) throw new SyntaxError(`it ${unparsed}`);
    const value: JsonValue = SURROGATE.test(text) ? JSON.parse(text, wellFormed) : JSON.parse(text);
    if (levels > MAX_DEPTH) throw new SyntaxError(`it is nested more than ${MAX_DEPTH} deep`);
    if (namesIn(value) < names) refuseRepeatedKey(text);
    if (!LONG_NUMBER.test(text)) return value;
    const marked: JsonValue = JSON.parse(withMarks(text));
    return marked;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new SyntaxError(`the request is not JSON: ${reason}: ${shown}`, { cause: error });
  }
}

/** JSON with the numbers marked that JavaScript would round. Strings are skipped without a pattern, which long ones would overflow. */
function withMarks(text: string): string {
  let marked = '';
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const string = quote < 0 ? text.length : quote;
    marked += text.slice(at, string).replace(NUMBER, (token) => (isRounded(token) ? `"${exactNumber(token)}"` : token));
    at = quote < 0 ? string : endOfString(text, quote);
    marked += text.slice(string, at);
  }
  return marked;
}

/** A reviver of JSON.parse that changes nothing. */
function wellFormed(key: string, value: unknown): unknown {
  for (const part of [key, value]) {
    if (typeof part !== 'string' || !/\p{Surrogate}/u.test(part)) continue;
    throw new SyntaxError(`${JSON.stringify(key.slice(0, 60))} has half of a surrogate pair; send both or none`);
  }
  return value;
}

/** As deep as protobuf's parsers read messages. */
const MAX_DEPTH = 100;

/** How many names objects have in all. A key that is repeated in the text is there once. */
function namesIn(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  const members = Object.values(value);
  let names = Array.isArray(value) ? 0 : members.length;
  for (const member of members) names += namesIn(member);
  return names;
}

/**
 * Finds the first repeated key.
 *
 * @param text must be JSON.
 * @throws SyntaxError that names it.
 */
function refuseRepeatedKey(text: string): void {
  /** The keys of each open object; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let atKey = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at);
        if (atKey) addKey(open.at(-1), text.slice(at, end));
        atKey = false;
        at = end - 1;
        break;
      }
      case '{':
      case '[':
        atKey = text[at] === '{';
        open.push(atKey ? new Set() : undefined);
        break;
      case '}':
      case ']':
        open.pop();
        atKey = false;
        break;
      case ',':
        atKey = open.at(-1) !== undefined;
    }
  }
}

function addKey(keys: Set<string> | undefined, token: string): void {
  const key: string = token.includes('\\') ? JSON.parse(token) : token.slice(1, -1);
  if (keys?.has(key)) throw new SyntaxError(`duplicate object key "${key.slice(0, 60)}"`);
  keys?.add(key);
}

/** The text of a number in place of a number that JavaScript would round. {@link numberText} reads it. */
export function exactNumber(text: string): string {
  return `${MARK}${text}`;
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

/** Whether a number is beyond what is exact, or its fraction may have been rounded to a whole number. */
function isRounded(token: string): boolean {
  const value = Number(token);
  return Math.abs(value) > Number.MAX_SAFE_INTEGER || (Number.isInteger(value) && /[.eE]/.test(token));
}

/** Marks -0, which JSON.stringify writes as 0. */
const MINUS_ZERO = `${MARK}-0`;

/**
 * The JSON of a message as text. As proto3 JSON has it, -0 is written as such: it is a value of its own.
 *
 * @param indent The spaces of a level; all in one line by default.
 */
export function jsonText(json: JsonValue, indent?: number): string {
  let marked = false;
  const text = JSON.stringify(
    json,
    (_, value: unknown) => {
      if (!Object.is(value, -0)) return value;
      marked = true;
      return MINUS_ZERO;
    },
    indent,
  );
  return marked ? text.replaceAll(`"${MINUS_ZERO}"`, '-0') : text;
}
