import type { JsonValue } from '@bufbuild/protobuf';
import { measureJson, parseJson } from '@rondo/schema';
import { gatewayErrors } from '../errors.js';

/** How many elements and members the JSON of a request may have in all, a member being two: more would stall all other requests. */
const MAX_JSON_VALUES = 100_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws RpcError `INVALID_ARGUMENT` if the bytes are no UTF-8. */
export function toText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw gatewayErrors.BODY_NOT_UTF8();
  }
}

/** Measures a text. @throws RpcError `INVALID_ARGUMENT` if it is more than the gateway reads. */
export function measure(text: string): ReturnType<typeof measureJson> {
  const measures = measureJson(text, MAX_JSON_VALUES);
  if (measures.unparsed !== undefined) throw gatewayErrors.TOO_MANY_VALUES({ whatIsTooMuch: measures.unparsed });
  return measures;
}

/**
 * Parses a request of any protocol.
 *
 * @throws RpcError `INVALID_ARGUMENT` if the text is no JSON, or more than the gateway reads.
 */
export function parseText(text: string): JsonValue {
  const measures = measure(text);
  try {
    return parseJson(text, measures);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw gatewayErrors.BODY_NOT_JSON({ faultAndPosition: error.message.replace(/^the request /, '') });
  }
}
