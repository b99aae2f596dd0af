import { create, createFileRegistry, type DescMessage, type FileRegistry } from '@bufbuild/protobuf';
import {
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

const imports = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

type FieldOptions = { typeName?: string; label?: Label; oneofIndex?: number };

let number = 0;
function field(name: string, type: Type, options: FieldOptions = {}): FieldDescriptorProto {
  number += 1;
  return create(FieldDescriptorProtoSchema, {
    name,
    jsonName: name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase()),
    number,
    type,
    label: Label.OPTIONAL,
    ...options,
  });
}

const message = (typeName: string): FieldOptions => ({ typeName });
const repeated = (options: FieldOptions = {}): FieldOptions => ({ ...options, label: Label.REPEATED });

const file = create(FileDescriptorProtoSchema, {
  name: 'sample.proto',
  package: 'sample.v1',
  syntax: 'proto3',
  dependency: imports.map(({ proto }) => proto.name),
  enumType: [
    {
      name: 'Color',
      value: [
        { name: 'COLOR_UNSPECIFIED', number: 0 },
        { name: 'COLOR_RED', number: 1 },
      ],
    },
  ],
  messageType: [
    {
      name: 'Sample',
      oneofDecl: [{ name: 'choice' }],
      nestedType: [
        {
          name: 'CountsEntry',
          options: { mapEntry: true },
          field: [
            { name: 'key', number: 1, type: Type.STRING, label: Label.OPTIONAL },
            { name: 'value', number: 2, type: Type.INT32, label: Label.OPTIONAL },
          ],
        },
      ],
      field: [
        field('small', Type.INT32),
        field('unsigned', Type.UINT32),
        field('large', Type.INT64),
        field('huge', Type.UINT64),
        field('ratio', Type.DOUBLE),
        field('single', Type.FLOAT),
        field('flag', Type.BOOL),
        field('some_text', Type.STRING),
        field('data', Type.BYTES),
        field('color', Type.ENUM, message('.sample.v1.Color')),
        field('child', Type.MESSAGE, message('.sample.v1.Sample')),
        field('children', Type.MESSAGE, repeated(message('.sample.v1.Sample'))),
        field('numbers', Type.INT64, repeated()),
        field('counts', Type.MESSAGE, repeated(message('.sample.v1.Sample.CountsEntry'))),
        field('at', Type.MESSAGE, message('.google.protobuf.Timestamp')),
        field('lasts', Type.MESSAGE, message('.google.protobuf.Duration')),
        field('free', Type.MESSAGE, message('.google.protobuf.Value')),
        field('wrapped', Type.MESSAGE, message('.google.protobuf.Int64Value')),
        field('anything', Type.MESSAGE, message('.google.protobuf.Any')),
        field('left', Type.STRING, { oneofIndex: 0 }),
        field('right', Type.INT64, { oneofIndex: 0 }),
        field('mask', Type.MESSAGE, message('.google.protobuf.FieldMask')),
      ],
    },
    { name: 'Nothing' },
  ],
});

/** A contract with a field of each kind. */
export const sampleRegistry: FileRegistry = createFileRegistry(
  create(FileDescriptorSetSchema, { file: [...imports.map(({ proto }) => proto), file] }),
);

/** `sample.v1.Sample`. */
export const Sample: DescMessage = find('sample.v1.Sample');

/** `sample.v1.Nothing`, which has no field. */
export const Nothing: DescMessage = find('sample.v1.Nothing');

function find(typeName: string): DescMessage {
  const desc = sampleRegistry.getMessage(typeName);
  if (desc === undefined) throw new Error(`${typeName} is missing`);
  return desc;
}
