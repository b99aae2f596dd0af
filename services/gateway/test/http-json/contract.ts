import { create, createFileRegistry, type DescMethod, type FileRegistry } from '@bufbuild/protobuf';
import { FieldOptionsSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { methodOf, toDynamicMethod } from '@rondo/schema';
import { type HttpBinding, parseTemplate } from '@rondo/schema/http';
import type { PublicMethod } from '../../src/discovery/catalogue.js';
import { wellKnownFiles } from '../support/catalogues.js';
import { type Fields, fileOf, get, httpBodyFile, message, post } from '../support/files.js';

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
const TIME = '.google.protobuf.Timestamp';
const MASK = '.google.protobuf.FieldMask';

/** The service of the test contract. */
export const SERVICE = 'test.v1.TestService';

const file = fileOf(
  SERVICE,
  {
    EchoAll: { input: 'All', rule: post('/v1/all') },
    EchoPlain: { input: 'Plain', rule: { ...post('/v1/plain'), additionalBindings: [get('/v1/plain')] } },
    UpdateBook: { input: 'UpdateBookRequest', output: 'Book' },
    UpdateAll: { input: 'UpdateAllRequest', output: 'All' },
    CreateBook: { input: 'CreateBookRequest', output: 'Book' },
    ImportBook: {
      input: 'ImportBookRequest',
      output: 'Book',
      policy: { idempotency: { source: { $case: 'field', value: 'import_key' } } },
    },
    SendBook: {
      input: 'GetBookRequest',
      output: 'Book',
      policy: { idempotency: { source: { $case: 'metadata', value: 'idempotency-key' } } },
    },
    GetBook: { input: 'GetBookRequest', output: 'Book', safe: true, rule: get('/v1/{name=books/*}') },
    DeleteBook: { input: 'DeleteBookRequest', output: 'Book', idempotent: true },
    Watch: {
      input: 'WatchRequest',
      output: 'WatchResponse',
      streams: true,
      safe: true,
      rule: get('/v1/{name=books/*}:watch'),
      policy: { resume: { request: 'resume_token', response: 'resume_token' } },
    },
    Upload: { input: 'File' },
    Download: { input: 'GetBookRequest', output: '.google.api.HttpBody' },
    Export: { input: 'GetBookRequest', output: '.google.api.HttpBody', streams: true },
    Sum: { input: 'Plain', uploads: true, rule: post('/v1/sum') },
    Chat: { input: 'Plain', uploads: true, streams: true, rule: post('/v1/chat') },
  },
  {
    file: {
      dependency: [...wellKnownFiles, httpBodyFile].map(({ name }) => name),
      enumType: [
        { name: 'Color', value: ['COLOR_UNSPECIFIED', 'COLOR_RED'].map((name, number) => ({ name, number })) },
      ],
    },
    messages: [
      message('All', ALL),
      message('Plain', { a: 'int64', b: 'int64', ratio: 'double' }),
      message('Book', {
        name: 'string',
        title: 'string',
        page_count: 'int32',
        etag: 'string',
        create_time: TIME,
        line_1: 'string',
        end_: 'string',
      }),
      message('UpdateBookRequest', { book: '.test.v1.Book', update_mask: MASK }),
      message('UpdateAllRequest', { all: '.test.v1.All', update_mask: MASK }),
      message('CreateBookRequest', { book: '.test.v1.Book', request_id: 'string' }),
      message('ImportBookRequest', { book: '.test.v1.Book', import_key: 'string', request_id: 'string' }),
      message('GetBookRequest', { name: 'string' }),
      message('DeleteBookRequest', { name: 'string', etag: 'string', create_time: TIME }),
      message('File', { name: 'string', content: '.google.api.HttpBody' }),
      message('WatchRequest', { name: 'string', resume_token: 'string' }),
      message('WatchResponse', { text: 'string', resume_token: 'string' }),
    ],
  },
);
for (const field of file.messageType.find(({ name }) => name === 'Book')?.field ?? []) {
  if (field.name !== 'create_time') continue;
  // google.api.field_behavior: IMMUTABLE and OUTPUT_ONLY.
  field.options = create(FieldOptionsSchema, {});
  field.options.$unknown = [{ no: 1052, wireType: 2, data: Buffer.from([2, 5, 3]) }];
}

/** The types of the test contract. */
export const types: FileRegistry = createFileRegistry(
  create(FileDescriptorSetSchema, { file: [...wellKnownFiles, httpBodyFile, file] }),
);

export function descOf(name: string): DescMethod {
  const desc = types.getService(SERVICE)?.methods.find((method) => method.name === name);
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
