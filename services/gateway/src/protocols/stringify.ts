import { type DescMessage, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { jsonText } from '@rondo/schema';

const known = new WeakMap<DescMessage, boolean>();

/** The JSON of a message, or of a part of it, as text. */
export function stringify(desc: DescMessage, json: JsonValue): string {
  const floats = known.get(desc) ?? holdsFloats(desc);
  known.set(desc, floats);
  return floats ? jsonText(json) : JSON.stringify(json); // many times as fast as with a replacer
}

/** Whether a message, itself or in messages inside it, can hold -0. An Any can hold everything. */
function holdsFloats(desc: DescMessage): boolean {
  const reached = new Set([desc]);
  // The set grows during the iteration, which then visits the new entries too.
  for (const { fields } of reached) for (const { message } of fields) if (message !== undefined) reached.add(message);
  const isFloat = (type?: ScalarType) => type === ScalarType.DOUBLE || type === ScalarType.FLOAT;
  return [...reached].some(
    ({ typeName, fields }) => typeName === 'google.protobuf.Any' || fields.some(({ scalar }) => isFloat(scalar)),
  );
}
