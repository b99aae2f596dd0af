/** Rewrites contracts into the forms that ts-proto knows. */
import { create, createFileRegistry, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type DescriptorProto,
  FeatureSet_FieldPresence,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  MethodOptionsSchema,
  OneofDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { type KeySource, methodPolicy } from './options.js';

/**
 * Rewrites files of proto2 and of editions as proto3. ts-proto treats their fields as fields without presence, so that a zero
 * that was set isn't sent. Here such fields become proto3 `optional` fields, in the form that the compiler gives them. Delimited
 * fields become groups, and packed fields say so. The wire format doesn't change.
 *
 * @param files Changed in place.
 */
export function desugar(files: FileDescriptorProto[]): void {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));
  for (const file of registry.files) {
    if (file.proto.syntax === 'proto3') continue;
    for (const message of file.messages) inMessage(message);
    file.proto.syntax = 'proto3';
    file.proto.edition = 0;
  }
}

function inMessage({ proto, fields, nestedMessages }: DescMessage): void {
  for (const field of fields) {
    if ('delimitedEncoding' in field && field.delimitedEncoding) field.proto.type = FieldDescriptorProto_Type.GROUP;
    if (field.fieldKind === 'list') markPacked(field);
    if (isOptional(field)) markOptional(field.proto, proto);
    field.proto.defaultValue = '';
  }
  for (const message of nestedMessages) inMessage(message);
}

/** Whether the field needs `optional`: messages and members of a oneof have presence in any syntax. */
const isOptional = ({ fieldKind, oneof, presence }: DescField) =>
  (fieldKind === 'scalar' || fieldKind === 'enum') &&
  oneof === undefined &&
  presence !== FeatureSet_FieldPresence.IMPLICIT;

function markOptional(field: FieldDescriptorProto, message: DescriptorProto): void {
  field.label = FieldDescriptorProto_Label.OPTIONAL;
  field.proto3Optional = true;
  field.oneofIndex = message.oneofDecl.length;
  message.oneofDecl.push(create(OneofDescriptorProtoSchema, { name: `_${field.name}` }));
}

function markPacked({ proto, packed }: DescField & { fieldKind: 'list' }): void {
  proto.options ??= create(FieldOptionsSchema);
  proto.options.packed = packed;
}

/** The field of `rondo.options.v1.service` in `google.protobuf.ServiceOptions`. */
const SERVICE_POLICY = 50551;

/**
 * Copies the service option `rondo.options.v1.service` to each method, as ts-proto's definitions have only method options.
 *
 * @param files Changed in place.
 */
export function copyServicePolicies(files: readonly FileDescriptorProto[]): void {
  for (const service of files.flatMap((file) => file.service)) {
    const policies = (service.options?.$unknown ?? []).filter(({ no }) => no === SERVICE_POLICY);
    if (policies.length === 0) continue;
    for (const method of service.method) {
      method.options ??= create(MethodOptionsSchema);
      method.options.$unknown = [...(method.options.$unknown ?? []), ...policies];
    }
  }
}

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
