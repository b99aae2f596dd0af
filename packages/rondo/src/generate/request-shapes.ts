/** Tells servers the shapes of requests with idempotency keys, so that equal requests have equal digests. */
import { create, createFileRegistry, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  FeatureSet_FieldPresence,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  MethodOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { type KeySource, methodPolicy } from './options.js';

/** The field of `google.protobuf.MethodOptions` that generated definitions have the shape in. Contracts don't use it. */
const REQUEST_SHAPE = 50552;

/**
 * Adds to each method with `idempotency` the shape of its request as JSON: for each message type, the fields whose
 * encoding isn't unique, by number. The request is the first type; the others are referred to by their positions.
 *
 * @param files Changed in place.
 */
export function addRequestShapes(files: FileDescriptorProto[]): void {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));
  const option = methodPolicy(registry);
  for (const { services } of registry.files) {
    for (const method of services.flatMap(({ methods }) => methods)) {
      const keyed = option.of(method)?.idempotency;
      if (keyed === undefined) continue;
      const data = new BinaryWriter().string(JSON.stringify(shapesOf(method.input, keyed.source))).finish();
      const entry = { no: REQUEST_SHAPE, wireType: WireType.LengthDelimited, data };
      method.proto.options ??= create(MethodOptionsSchema);
      method.proto.options.$unknown = [...(method.proto.options.$unknown ?? []), entry];
    }
  }
}

/** A message, or a map, which stands for its entry. */
type Type = DescMessage | (DescField & { readonly fieldKind: 'map' });
type Kind = string | readonly [string, number];
type Shape = Record<number, Kind>;
type Refer = (type: Type) => number;

function shapesOf(input: DescMessage, source: KeySource): readonly Shape[] {
  const types: Type[] = [input];
  const refer = (message: Type) => {
    if (!types.includes(message)) types.push(message);
    return types.indexOf(message);
  };
  const shapes: Shape[] = [];
  // `types` grows meanwhile.
  for (const type of types) shapes.push(shapeOf(type, refer));
  const key = source.case === 'field' ? input.fields.find(({ name }) => name === source.value) : undefined;
  return shapes.map((shape, index) => (index === 0 && key !== undefined ? { ...shape, [key.number]: 'key' } : shape));
}

function shapeOf(type: Type, refer: Refer): Shape {
  if (type.kind === 'field') {
    const { message } = type;
    return { 1: 'implicit', 2: message === undefined ? 'implicit' : ['message', refer(message)] };
  }
  return Object.fromEntries(
    type.fields.flatMap((field) => {
      const kind = kindOf(field, refer);
      return kind === undefined ? [] : [[field.number, kind]];
    }),
  );
}

/** Undefined for a field whose records stay as they are. */
function kindOf(field: DescField, refer: Refer): Kind | undefined {
  if ('delimitedEncoding' in field && field.delimitedEncoding) return undefined;
  switch (field.fieldKind) {
    case 'message':
      return ['message', refer(field.message)];
    case 'map':
      return ['map', refer(field)];
    case 'list':
      if (field.message !== undefined) return ['repeated', refer(field.message)];
      return field.packed ? ['packed', ELEMENTS.get(field.scalar ?? ScalarType.INT32) ?? 0] : undefined;
    default:
      return field.presence === FeatureSet_FieldPresence.IMPLICIT ? 'implicit' : undefined;
  }
}

/** The wire types of packed elements by scalar type. The others are varints. */
const ELEMENTS = new Map([
  [ScalarType.DOUBLE, WireType.Bit64],
  [ScalarType.FLOAT, WireType.Bit32],
  [ScalarType.FIXED64, WireType.Bit64],
  [ScalarType.FIXED32, WireType.Bit32],
  [ScalarType.SFIXED32, WireType.Bit32],
  [ScalarType.SFIXED64, WireType.Bit64],
]);
