import type { JsonValue } from '@bufbuild/protobuf';
import { invalidArgument } from '@rondo/rpc/status';
import { parseJson, whyUnparsed } from '@rondo/schema';

/** How many elements and members the JSON of a request may have in all, a member being two: more would stall all other requests. */
const MAX_JSON_VALUES = 100_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws RpcError `INVALID_ARGUMENT` if the bytes are no UTF-8. */
export function toText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    // @cause The body has bytes that aren't UTF-8.
    // @remedy Encode the JSON in UTF-8.
    throw invalidArgument([{ field: 'the body', description: 'is not UTF-8, which JSON is encoded in; encode it so' }]);
  }
}

/**
 * Parses a request of any protocol.
 *
 * @throws RpcError `INVALID_ARGUMENT` if the text is no JSON, or more than the gateway reads.
 */
export function parseText(text: string): JsonValue {
  const unparsed = whyUnparsed(text, MAX_JSON_VALUES);
  // @cause The body has more values, or is nested deeper, than the gateway reads.
  // @remedy Send less at a time.
  if (unparsed !== undefined) throw invalidArgument([{ field: 'the body', description: `${unparsed}; send less` }]);
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // @cause The body is no JSON.
    // @remedy Correct the JSON at the position that the text names.
    throw invalidArgument([{ field: 'the body', description: error.message.replace(/^the request /, '') }]);
  }
}
