import type { JsonValue } from '@bufbuild/protobuf';

/** Marks -0, which JSON.stringify writes as 0. It is a private-use character. */
const MINUS_ZERO = '\ue001-0';

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
