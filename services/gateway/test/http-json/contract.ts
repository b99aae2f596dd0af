import {
  create,
  createFileRegistry,
  type DescMethod,
  type FileRegistry,
  fromJson,
  type JsonObject,
} from '@bufbuild/protobuf';
import {
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import { methodOf, toDynamicMethod } from '@rondo/schema';
import { type HttpBinding, parseTemplate } from '@rondo/schema/http';
import type { PublicMethod } from '../../src/discovery/catalogue.js';

const WELL_KNOWN = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

/** Fields as `name: type`; `type[]` is a list, `type?` has presence, `type|x` is in the oneof x. */
type Fields = Readonly<Record<string, string>>;

function message(name: string, fields: Fields): JsonObject {
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

const ALL: Fields = {
  name: 'string',
  int64_value: 'int64',
  uint64_value: 'uint64',
  int32_value: 'int32',
  double_value: 'double',
  bool_value: 'bool',
  bytes_value: 'bytes',
  color: '.test.v1.Color',
  time: '.google.protobuf.Timestamp',
  duration: '.google.protobuf.Duration',
  mask: '.google.protobuf.FieldMask',
  any: '.google.protobuf.Any',
  text: 'string|choice',
  number: 'int32|choice',
  maybe: 'int32?',
  int64_wrapper: '.google.protobuf.Int64Value',
  string_wrapper: '.google.protobuf.StringValue',
  struct: '.google.protobuf.Struct',
  value: '.google.protobuf.Value',
  tags: 'string[]',
  colors: '.test.v1.Color[]',
  times: '.google.protobuf.Timestamp[]',
  nested: '.test.v1.All',
  list: '.test.v1.All[]',
};

const HTTP_BODY: JsonObject = {
  name: 'google/api/httpbody.proto',
  package: 'google.api',
  syntax: 'proto3',
  dependency: ['google/protobuf/any.proto'],
  messageType: [message('HttpBody', { content_type: 'string', data: 'bytes', extensions: '.google.protobuf.Any[]' })],
};

const FILE: JsonObject = {
  name: 'test/v1/test.proto',
  package: 'test.v1',
  syntax: 'proto3',
  dependency: [...WELL_KNOWN.map(({ proto }) => proto.name), 'google/api/httpbody.proto'],
  messageType: [
    message('All', ALL),
    message('Plain', { a: 'int64', b: 'int64', ratio: 'double' }),
    message('Book', {
      name: 'string',
      title: 'string',
      page_count: 'int32',
      etag: 'string',
      create_time: '.google.protobuf.Timestamp',
    }),
    message('UpdateBookRequest', { book: '.test.v1.Book', update_mask: '.google.protobuf.FieldMask' }),
    message('UpdateAllRequest', { all: '.test.v1.All', update_mask: '.google.protobuf.FieldMask' }),
    message('CreateBookRequest', { book: '.test.v1.Book', request_id: 'string' }),
    message('ImportBookRequest', { book: '.test.v1.Book', import_key: 'string', request_id: 'string' }),
    message('GetBookRequest', { name: 'string' }),
    message('DeleteBookRequest', { name: 'string', etag: 'string', create_time: '.google.protobuf.Timestamp' }),
    message('File', { name: 'string', content: '.google.api.HttpBody' }),
    message('WatchRequest', { name: 'string', resume_token: 'string' }),
    message('WatchResponse', { text: 'string', resume_token: 'string' }),
  ],
  enumType: [
    {
      name: 'Color',
      value: [
        { name: 'COLOR_UNSPECIFIED', number: 0 },
        { name: 'COLOR_RED', number: 1 },
      ],
    },
  ],
  service: [
    {
      name: 'TestService',
      method: [
        rpc('EchoAll', 'All All'),
        rpc('EchoPlain', 'Plain Plain'),
        rpc('UpdateBook', 'UpdateBookRequest Book'),
        rpc('UpdateAll', 'UpdateAllRequest All'),
        rpc('CreateBook', 'CreateBookRequest Book'),
        rpc('ImportBook', 'ImportBookRequest Book', { options: {} }),
        rpc('SendBook', 'GetBookRequest Book', { options: {} }),
        rpc('GetBook', 'GetBookRequest Book', { options: { idempotencyLevel: 'NO_SIDE_EFFECTS' } }),
        rpc('DeleteBook', 'DeleteBookRequest Book', { options: { idempotencyLevel: 'IDEMPOTENT' } }),
        rpc('Watch', 'WatchRequest WatchResponse', {
          serverStreaming: true,
          options: { idempotencyLevel: 'NO_SIDE_EFFECTS' },
        }),
        rpc('Upload', 'File File'),
        rpc('Download', 'GetBookRequest .google.api.HttpBody'),
        rpc('Export', 'GetBookRequest .google.api.HttpBody', { serverStreaming: true }),
        rpc('Sum', 'Plain Plain', { clientStreaming: true }),
        rpc('Chat', 'Plain Plain', { clientStreaming: true, serverStreaming: true }),
      ],
    },
  ],
};

/** `(rondo.options.v1.method)` of methods. */
const POLICIES = new Map<string, Parameters<typeof MethodPolicy.fromPartial>[0]>([
  ['Watch', { resume: { request: 'resume_token', response: 'resume_token' } }],
  ['ImportBook', { idempotency: { source: { $case: 'field', value: 'import_key' } } }],
  ['SendBook', { idempotency: { source: { $case: 'metadata', value: 'idempotency-key' } } }],
]);

function rpc(name: string, types: string, more: JsonObject = {}): JsonObject {
  const [inputType, outputType] = types.split(' ').map((type) => (type.startsWith('.') ? type : `.test.v1.${type}`));
  return { name, inputType: inputType ?? '', outputType: outputType ?? '', ...more };
}

/** The types of the test contract. */
export const types: FileRegistry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [file_google_protobuf_descriptor, ...WELL_KNOWN]
      .map(({ proto }) => proto)
      .concat([fromJson(FileDescriptorProtoSchema, HTTP_BODY), testFile()]),
  }),
);

function testFile() {
  const file = fromJson(FileDescriptorProtoSchema, FILE);
  // google.api.field_behavior: IMMUTABLE and OUTPUT_ONLY.
  const created = file.messageType
    .find(({ name }) => name === 'Book')
    ?.field.find(({ name }) => name === 'create_time');
  if (created !== undefined) {
    created.options = create(FieldOptionsSchema, {});
    created.options.$unknown = [{ no: 1052, wireType: 2, data: Buffer.from([2, 5, 3]) }];
  }
  for (const { name, options } of file.service[0]?.method ?? []) {
    const option = POLICIES.get(name);
    if (option === undefined || options === undefined) continue;
    const policy = MethodPolicy.encode(MethodPolicy.fromPartial(option)).finish();
    options.$unknown = [{ no: 50550, wireType: 2, data: Buffer.concat([Buffer.from([policy.length]), policy]) }];
  }
  return file;
}

export function descOf(name: string): DescMethod {
  const desc = types.getService('test.v1.TestService')?.methods.find((method) => method.name === name);
  if (desc === undefined) throw new Error(`no method ${name}`);
  return desc;
}

/** A method as the catalogue gives it. */
export function target(name: string, more: Partial<PublicMethod> = {}): PublicMethod {
  const desc = descOf(name);
  const method = methodOf(toDynamicMethod(desc));
  if (method === undefined) throw new Error(`no method ${name}`);
  return { method, desc, descAt: () => desc, types, int64AsNumber: false, ...more };
}

/** A binding such as `POST /v1/{name=books/*}`. */
export function binding(text: string, body = '', responseBody = ''): HttpBinding {
  const [verb = '', path = ''] = text.split(' ');
  return { verb, template: parseTemplate(path), body, responseBody };
}
