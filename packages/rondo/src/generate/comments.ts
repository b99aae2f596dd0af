/** The comments in a descriptor set. */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Field numbers of descriptor.proto: `FileDescriptorSet.file`, and fields of its messages. */
const SET = { file: 1 };
const FILE = { name: 1, sourceCodeInfo: 9 };
const INFO = { location: 1 };
const LOCATION = { leadingComments: 3, trailingComments: 4 };

/**
 * A `google.protobuf.FileDescriptorSet` with the comments of some files only. Positions in the source without a comment are left
 * out. All other bytes stay as they are, custom options too.
 *
 * @param isKept by the file's name.
 */
export function keepComments(set: Uint8Array, isKept: (file: string) => boolean): Uint8Array {
  return rewrite(set, (field, bytes) => (field === SET.file ? withComments(bytes, isKept) : bytes));
}

function withComments(file: Uint8Array, isKept: (file: string) => boolean): Uint8Array {
  const name = [...fieldsOf(file)].find(({ field }) => field === FILE.name);
  const kept = name?.bytes !== undefined && isKept(new TextDecoder().decode(name.bytes));
  return rewrite(file, (field, bytes) => {
    if (field !== FILE.sourceCodeInfo) return bytes;
    return kept
      ? rewrite(bytes, (inner, location) => (inner !== INFO.location || hasComment(location) ? location : undefined))
      : undefined;
  });
}

const hasComment = (location: Uint8Array) =>
  [...fieldsOf(location)].some(
    ({ field }) => field === LOCATION.leadingComments || field === LOCATION.trailingComments,
  );

type Change = (field: number, bytes: Uint8Array) => Uint8Array | undefined;

/** A message with the bytes of each length-delimited field as `change` returns them; without the field if that is undefined. */
function rewrite(message: Uint8Array, change: Change): Uint8Array {
  const writer = new BinaryWriter();
  for (const { field, bytes, raw } of fieldsOf(message)) {
    if (bytes === undefined) {
      writer.raw(raw);
      continue;
    }
    const changed = change(field, bytes);
    if (changed !== undefined) writer.tag(field, WireType.LengthDelimited).bytes(changed);
  }
  return writer.finish();
}

/** The fields of a message in their order. `bytes` is missing if the field isn't length-delimited; `raw` is the field with its tag. */
function* fieldsOf(message: Uint8Array) {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    const bytes = wireType === WireType.LengthDelimited ? reader.bytes() : undefined;
    if (bytes === undefined) reader.skip(wireType, field);
    yield { field, bytes, raw: message.subarray(start, reader.pos) };
  }
}
