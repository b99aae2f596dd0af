/** Rewrites contracts into the forms that ts-proto knows. */
import { create, createFileRegistry, type DescField, type DescMessage } from '@bufbuild/protobuf';
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
