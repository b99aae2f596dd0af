import type { DescField } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** `google.api.field_behavior`, a repeated enum, in `google.protobuf.FieldOptions`. */
const FIELD_BEHAVIOR = 1052;
/** The values of `google.api.FieldBehavior`, by number. */
const NAMES = [
  ...(['UNSPECIFIED', 'OPTIONAL', 'REQUIRED', 'OUTPUT_ONLY', 'INPUT_ONLY', 'IMMUTABLE'] as const),
  ...(['UNORDERED_LIST', 'NON_EMPTY_DEFAULT', 'IDENTIFIER'] as const),
];

/** What a contract says of how a field is used, by the names of `google.api.FieldBehavior`. Source: https://google.aip.dev/203 */
export function behaviorsOf({ proto }: DescField): ReadonlySet<(typeof NAMES)[number]> {
  const options = proto.options?.$unknown ?? [];
  const found = options.filter(({ no }) => no === FIELD_BEHAVIOR);
  return new Set(
    found.flatMap(({ wireType, data }) => valuesOf(data, wireType)).flatMap((value) => NAMES[value] ?? []),
  );
}

/** The option is packed or not, as the compiler has it. */
function valuesOf(data: Uint8Array, wireType: WireType): readonly number[] {
  const reader = new BinaryReader(wireType === WireType.LengthDelimited ? new BinaryReader(data).bytes() : data);
  const values: number[] = [];
  while (reader.pos < reader.len) values.push(reader.uint32());
  return values;
}
