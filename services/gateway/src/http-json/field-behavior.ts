import type { DescField } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { FieldBehavior } from '@rondo/contracts/google/api/field_behavior';

/** `google.api.field_behavior`, a repeated enum, in `google.protobuf.FieldOptions`. */
const FIELD_BEHAVIOR = 1052;

/** What a contract says of how a field is used. Source: https://google.aip.dev/203 */
export function behaviorsOf({ proto }: DescField): ReadonlySet<FieldBehavior> {
  const options = proto.options?.$unknown ?? [];
  const found = options.filter(({ no }) => no === FIELD_BEHAVIOR);
  return new Set(found.flatMap(({ wireType, data }) => [...valuesOf(data, wireType)]));
}

/** The option is packed or not, as the compiler has it. */
function* valuesOf(data: Uint8Array, wireType: WireType): Generator<FieldBehavior> {
  const reader = new BinaryReader(wireType === WireType.LengthDelimited ? new BinaryReader(data).bytes() : data);
  while (reader.pos < reader.len) yield reader.uint32();
}
