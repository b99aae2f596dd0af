import { create, fromJson, type JsonObject } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel,
  MethodOptionsSchema,
  ServiceOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { HttpRule } from '@rondo/contracts/google/api/http';
import { MethodPolicy, ServicePolicy } from '@rondo/contracts/rondo/options/v1/options';

/** Fields by name: `int64`, or `.a.v1.Message`; `type[]` is a list, `type?` has presence, `type|x` is in the oneof x. */
export type Fields = Readonly<Record<string, string>>;

/** A method: its types and its options. */
export interface MethodSpec {
  /** The fields of a message of its own. */
  readonly fields?: Fields;
  /** Its request, if it has no message of its own. */
  readonly input?: string;
  /** Its reply, if that isn't its request. */
  readonly output?: string;
  readonly rule?: Parameters<typeof HttpRule.fromPartial>[0];
  readonly policy?: Parameters<typeof MethodPolicy.fromPartial>[0];
  readonly streams?: boolean;
  /** Whether its requests are a stream. */
  readonly uploads?: boolean;
  readonly safe?: boolean;
  readonly idempotent?: boolean;
}

interface FileOptions {
  /** Further parts, as JSON of `google.protobuf.FileDescriptorProto`. */
  readonly file?: JsonObject;
  readonly messages?: readonly JsonObject[];
  readonly policy?: Parameters<typeof ServicePolicy.fromPartial>[0];
}

/** A file with one service. */
export function fileOf(
  service: string,
  methods: Readonly<Record<string, MethodSpec>>,
  { file: more = {}, messages = [], policy = {} }: FileOptions = {},
): FileDescriptorProto {
  const dot = service.lastIndexOf('.');
  const scope = service.slice(0, dot);
  const named = (type: string) => (type.startsWith('.') ? type : `.${scope}.${type}`);
  const specs = Object.entries(methods);
  const file = fromJson(FileDescriptorProtoSchema, {
    name: `${service}.proto`,
    package: scope,
    syntax: 'proto3',
    dependency: TYPES,
    messageType: [
      ...specs.flatMap(([name, { input, fields = {} }]) => (input ? [] : [message(`${name}Message`, fields)])),
      ...messages,
    ],
    service: [
      {
        name: service.slice(dot + 1),
        method: specs.map(([name, { input = `${name}Message`, output = input, streams = false, uploads = false }]) => ({
          name,
          inputType: named(input),
          outputType: named(output),
          serverStreaming: streams,
          clientStreaming: uploads,
        })),
      },
    ],
    ...more,
  });
  for (const one of file.service) {
    one.options = create(ServiceOptionsSchema);
    one.options.$unknown = [custom(50551, ServicePolicy.encode(ServicePolicy.fromPartial(policy)).finish())];
    for (const method of one.method) method.options = optionsOf(methods[method.name] ?? {});
  }
  return file;
}

const TYPES = ['any', 'duration', 'field_mask', 'struct', 'timestamp', 'wrappers'].map(
  (name) => `google/protobuf/${name}.proto`,
);

/** A message as JSON of `google.protobuf.DescriptorProto`. Its enums have names that end in `Color`. */
export function message(name: string, fields: Fields): JsonObject {
  const entries = Object.entries(fields);
  const oneofs = [...new Set(entries.flatMap(([, type]) => (type.includes('|') ? [type.replace(/.*\|/, '')] : [])))];
  const optional = entries.filter(([, type]) => type.endsWith('?')).map(([field]) => `_${field}`);
  return {
    name,
    field: entries.map(([field, type], index) => {
      const bare = type.replace(/\[\]|\?|\|.*/g, '');
      const oneof = type.includes('|') ? oneofs.indexOf(type.replace(/.*\|/, '')) : -1;
      const own = type.endsWith('?') ? oneofs.length + optional.indexOf(`_${field}`) : oneof;
      return {
        name: field,
        number: index + 1,
        label: type.endsWith('[]') ? 'LABEL_REPEATED' : 'LABEL_OPTIONAL',
        jsonName: field.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
        ...(bare.startsWith('.')
          ? { type: bare.endsWith('Color') ? 'TYPE_ENUM' : 'TYPE_MESSAGE', typeName: bare }
          : { type: `TYPE_${bare.toUpperCase()}` }),
        ...(own >= 0 ? { oneofIndex: own } : {}),
        ...(type.endsWith('?') ? { proto3Optional: true } : {}),
      };
    }),
    oneofDecl: [...oneofs, ...optional].map((one) => ({ name: one })),
  };
}

function optionsOf({ rule, policy, safe = false, idempotent = false }: MethodSpec) {
  const options = create(MethodOptionsSchema);
  if (safe) options.idempotencyLevel = MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  if (idempotent) options.idempotencyLevel = MethodOptions_IdempotencyLevel.IDEMPOTENT;
  options.$unknown = [
    ...(rule ? [custom(72295728, HttpRule.encode(HttpRule.fromPartial(rule)).finish())] : []),
    ...(policy ? [custom(50550, MethodPolicy.encode(MethodPolicy.fromPartial(policy)).finish())] : []),
  ];
  return options;
}

/** A custom option as protobuf-es keeps one that it doesn't know: its bytes, after their length. */
const custom = (no: number, bytes: Uint8Array) => ({ no, wireType: 2, data: new BinaryWriter().bytes(bytes).finish() });

/** A rule of GET. */
export const get = (value: string) => ({ pattern: { $case: 'get', value } }) as const;

/** A rule of POST, whose body is the whole request. */
export const post = (value: string) => ({ pattern: { $case: 'post', value }, body: '*' }) as const;

/** The file of `google.api.HttpBody`. */
export const httpBodyFile: FileDescriptorProto = fromJson(FileDescriptorProtoSchema, {
  name: 'google/api/httpbody.proto',
  package: 'google.api',
  syntax: 'proto3',
  dependency: ['google/protobuf/any.proto'],
  messageType: [message('HttpBody', { content_type: 'string', data: 'bytes', extensions: '.google.protobuf.Any[]' })],
});
