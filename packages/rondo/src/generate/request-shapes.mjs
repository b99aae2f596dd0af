/** Tells servers the shapes of requests with idempotency keys, so that equal requests have equal digests. */
import { create, createFileRegistry, getOption, hasOption } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FeatureSet_FieldPresence, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** The field of `google.protobuf.MethodOptions` that generated definitions have the shape in. Contracts don't use it. */
const REQUEST_SHAPE = 50552;

/**
 * Adds to each method with `idempotency` the shape of its request as JSON: for each message type, the fields whose
 * encoding isn't unique, by number. The request is the first type; the others are referred to by their positions.
 * @param {import('@bufbuild/protobuf/wkt').FileDescriptorProto[]} files Changed in place.
 */
export function addRequestShapes(files) {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));
  const option = registry.getExtension('rondo.options.v1.method');
  if (option === undefined) return;
  for (const { services } of registry.files) {
    for (const method of services.flatMap(({ methods }) => methods)) {
      const keyed = hasOption(method, option) ? getOption(method, option).idempotency : undefined;
      if (keyed === undefined) continue;
      const data = new BinaryWriter().string(JSON.stringify(shapesOf(method.input, keyed.source))).finish();
      const { options } = method.proto;
      const entry = { no: REQUEST_SHAPE, wireType: WireType.LengthDelimited, data };
      options.$unknown = [...(options.$unknown ?? []), entry];
    }
  }
}

function shapesOf(input, source) {
  const types = [input];
  const refer = (message) => {
    if (!types.includes(message)) types.push(message);
    return types.indexOf(message);
  };
  const shapes = [];
  // `types` grows meanwhile.
  for (const type of types) shapes.push(shapeOf(type, refer));
  if (source.case === 'field') {
    const { number } = input.fields.find(({ name }) => name === source.value);
    shapes[0][number] = 'key';
  }
  return shapes;
}

function shapeOf(message, refer) {
  if (message.map !== undefined) {
    const { scalar, message: value } = message.map;
    return { 1: 'implicit', 2: value === undefined || scalar !== undefined ? 'implicit' : ['message', refer(value)] };
  }
  const kinds = message.fields.map((field) => [field.number, kindOf(field, refer)]);
  return Object.fromEntries(kinds.filter(([, kind]) => kind !== undefined));
}

/** Undefined for a field whose records stay as they are. */
function kindOf(field, refer) {
  if (field.delimitedEncoding) return undefined;
  switch (field.fieldKind) {
    case 'message':
      return ['message', refer(field.message)];
    case 'map':
      return ['map', refer(entryOf(field))];
    case 'list':
      if (field.message !== undefined) return ['repeated', refer(field.message)];
      return field.packed ? ['packed', ELEMENTS.get(field.scalar) ?? 0] : undefined;
    default:
      return field.presence === FeatureSet_FieldPresence.IMPLICIT ? 'implicit' : undefined;
  }
}

/** The wire types of packed elements by scalar type: double, float, fixed64, fixed32, sfixed32, sfixed64. The others are varints. */
const ELEMENTS = new Map([
  [1, 1],
  [2, 5],
  [6, 1],
  [7, 5],
  [15, 5],
  [16, 1],
]);

const entries = new WeakMap();

/** A map's entry as a type of its own, once for each map. */
function entryOf(field) {
  if (!entries.has(field)) entries.set(field, { map: { scalar: field.scalar, message: field.message } });
  return entries.get(field);
}
