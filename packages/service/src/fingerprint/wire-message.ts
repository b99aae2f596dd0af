import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/**
 * A message on the wire, read by field number, one level at a time. Descriptors are read this way because the generated
 * types don't tell unset from zero, and the full protobuf runtime would slow down every start.
 */
export class WireMessage {
  readonly #fields: number[] = [];
  readonly #values: (number | Uint8Array)[] = [];

  /** @throws Error if the bytes aren't a message. */
  constructor(bytes: Uint8Array) {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (wireType === WireType.Varint) this.#add(field, reader.int32());
      else if (wireType === WireType.LengthDelimited) this.#add(field, reader.bytes());
      else reader.skip(wireType, field);
    }
  }

  /** The last value of a number, enum or bool; undefined if it is unset. */
  number(field: number): number | undefined {
    const value = this.#values[this.#fields.lastIndexOf(field)];
    return typeof value === 'number' ? value : undefined;
  }

  text(field: number): string | undefined {
    const value = this.#values[this.#fields.lastIndexOf(field)];
    return value instanceof Uint8Array ? toText(value) : undefined;
  }

  /** A message; several occurrences are merged, as protobuf does. Undefined if it is unset. */
  message(field: number): WireMessage | undefined {
    const parts = this.parts(field);
    return parts.length === 0 ? undefined : new WireMessage(Buffer.concat(parts));
  }

  /** The elements of a repeated message, in order. */
  messages(field: number): readonly WireMessage[] {
    return this.parts(field).map((part) => new WireMessage(part));
  }

  /** The bytes of the elements, not parsed. */
  parts(field: number): readonly Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (const [index, value] of this.#values.entries()) {
      if (this.#fields[index] === field && typeof value !== 'number') parts.push(value);
    }
    return parts;
  }

  #add(field: number, value: number | Uint8Array): void {
    this.#fields.push(field);
    this.#values.push(value);
  }
}

/**
 * The bytes of each file in a `google.protobuf.FileDescriptorSet`.
 *
 * @throws Error if the bytes aren't a descriptor set.
 */
export const splitDescriptorSet = (bytes: Uint8Array): readonly Uint8Array[] => new WireMessage(bytes).parts(1);

/** The first text at `field`, without parsing the rest; empty if there is none. */
export function firstText(bytes: Uint8Array, field: number): string {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [present, wireType] = reader.tag();
    if (present === field && wireType === WireType.LengthDelimited) return toText(reader.bytes());
    reader.skip(wireType, present);
  }
  return '';
}

function toText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}
