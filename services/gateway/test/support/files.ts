import { create, fromJson, type JsonObject } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel,
  MethodOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { HttpRule } from '@rondo/contracts/google/api/http';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';

/** A method: its options, and the fields of its request, which is its reply too. */
export interface MethodSpec {
  readonly rule?: Parameters<typeof HttpRule.fromPartial>[0];
  readonly policy?: Parameters<typeof MethodPolicy.fromPartial>[0];
  readonly streams?: boolean;
  /** Whether its requests are a stream. */
  readonly uploads?: boolean;
  /** Whether it only reads. */
  readonly safe?: boolean;
  readonly fields?: readonly Field[];
}

/** As JSON of `google.protobuf.FieldDescriptorProto`. */
export interface Field {
  readonly name: string;
  readonly type: string;
  readonly typeName?: string;
  readonly label?: string;
  readonly jsonName?: string;
  readonly oneofIndex?: number;
}

/** A file with one service. The request of each of its methods is also its reply. */
export function fileOf(
  service: string,
  methods: Readonly<Record<string, MethodSpec>>,
  more: JsonObject = {},
): FileDescriptorProto {
  const dot = service.lastIndexOf('.');
  const scope = service.slice(0, dot);
  const file = fromJson(FileDescriptorProtoSchema, {
    name: `${service}.proto`,
    package: scope,
    syntax: 'proto3',
    dependency: TYPES,
    ...more,
    messageType: [
      ...Object.entries(methods).map(([name, { fields = [] }]) => ({
        name: `${name}Message`,
        field: fields.map((field, index) => ({
          label: 'LABEL_OPTIONAL',
          jsonName: field.name,
          number: index + 1,
          ...field,
        })),
        ...(fields.some(({ oneofIndex }) => oneofIndex === 0) && { oneofDecl: [{ name: 'choice' }] }),
      })),
      ...(Array.isArray(more['messageType']) ? more['messageType'] : []),
    ],
    service: [
      {
        name: service.slice(dot + 1),
        method: Object.entries(methods).map(([name, { streams = false, uploads = false }]) => ({
          name,
          inputType: `.${scope}.${name}Message`,
          outputType: `.${scope}.${name}Message`,
          serverStreaming: streams,
          clientStreaming: uploads,
        })),
      },
    ],
  });
  for (const method of file.service[0]?.method ?? []) method.options = optionsOf(methods[method.name] ?? {});
  return file;
}

const TYPES = ['any', 'duration', 'field_mask', 'struct', 'timestamp', 'wrappers'].map(
  (name) => `google/protobuf/${name}.proto`,
);

function optionsOf({ rule, policy, safe = false }: MethodSpec) {
  const options = create(MethodOptionsSchema);
  if (safe) options.idempotencyLevel = MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  options.$unknown = [
    ...(rule ? [custom(72295728, HttpRule.encode(HttpRule.fromPartial(rule)).finish())] : []),
    ...(policy ? [custom(50550, MethodPolicy.encode(MethodPolicy.fromPartial(policy)).finish())] : []),
  ];
  return options;
}

const custom = (no: number, bytes: Uint8Array) => ({ no, wireType: 2, data: new BinaryWriter().bytes(bytes).finish() });

/** A rule of GET. */
export const get = (value: string) => ({ pattern: { $case: 'get', value } }) as const;

/** A rule of POST, whose body is the whole request. */
export const post = (value: string) => ({ pattern: { $case: 'post', value }, body: '*' }) as const;
