/** Checks the fields and keys of metadata that options name. */
import { type DescField, type DescMessage, type DescMethod, ScalarType } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { Faults, KeySource, Policy } from './options.js';

const { NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;

export function* inKeyField(message: DescMessage, name: string): Faults {
  const field = message.fields.find((one) => one.name === name);
  const text = field?.fieldKind === 'scalar' && field.scalar === ScalarType.STRING;
  if (field === undefined) yield `idempotency.field is "${name}", but ${noSuchField(name, message)}`;
  else if (!text) yield `idempotency.field is "${name}", but ${name} is no string, which a key is`;
  else if (field.oneof !== undefined) {
    yield `idempotency.field is "${name}", but ${name} is part of the oneof ${field.oneof.name}; name one outside`;
  }
}

/** Checks a field whose values name what belongs together. */
export function* inGroupingField(message: DescMessage, option: string, name: string): Faults {
  const field = message.fields.find((one) => one.name === name);
  if (field === undefined) yield `${option} is "${name}", but ${noSuchField(name, message)}`;
  else if (field.fieldKind !== 'scalar' || NO_KEYS.has(field.scalar))
    yield `${option} is "${name}", but ${name} is no string and no integer, of which a key is one`;
  else if (field.oneof !== undefined)
    yield `${option} is "${name}", but ${name} is part of the oneof ${field.oneof.name}; name one outside`;
}

const NO_KEYS: ReadonlySet<ScalarType> = new Set([
  ScalarType.BYTES,
  ScalarType.BOOL,
  ScalarType.DOUBLE,
  ScalarType.FLOAT,
]);

export function* inHashKey(method: DescMethod, { source }: { readonly source: KeySource }): Faults {
  if (source.case === 'metadata') yield* inMetadataKey('hash_key.metadata', source.value);
  else if (source.case === 'field') yield* inField(method, source.value);
  else yield 'hash_key names neither a field nor a metadata key';
}

export function* inMetadataKey(option: string, key: string): Faults {
  if (!/^[a-z0-9_.-]{1,128}$/.test(key)) {
    yield `${option} is "${key}"; a key of metadata is of a-z 0-9 _ . - alone`;
  } else if (key.startsWith('grpc-')) {
    yield `${option} is ${key}; keys that begin with grpc- are gRPC's own`;
  } else if (key.endsWith('-bin')) {
    yield `${option} is ${key}; behind a key that ends in -bin stand bytes, which are no key of a call`;
  }
}

/** Checks each field on the path of a hash key. */
function* inField(method: DescMethod, path: string): Faults {
  if (method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming') {
    yield `hash_key.field is ${path}, and the request is a stream; name a key of metadata instead`;
    return;
  }
  const names = path.split('.');
  let message: DescMessage | undefined = method.input;
  for (const [index, name] of names.entries()) {
    if (message === undefined) return;
    const field: DescField | undefined = message.fields.find((one) => one.name === name);
    const fault = field === undefined ? noSuchField(name, message) : fieldFault(field, index === names.length - 1);
    if (fault !== undefined) {
      yield `hash_key.field is "${path}", but ${fault}`;
      return;
    }
    message = field?.message;
  }
}

export function* inResume(method: DescMethod, { request, response }: Policy<'resume'>): Faults {
  if (method.methodKind !== 'server_streaming') {
    yield 'resume is for a method with one request and a stream of replies; leave it out';
    return;
  }
  if (method.idempotency !== NO_SIDE_EFFECTS) {
    yield 'resume calls again, which is safe for idempotency_level = NO_SIDE_EFFECTS alone; say so, or leave it out';
  }
  const [taking, giving] = [tokenField(method.input, request), tokenField(method.output, response)];
  if (taking.fault !== undefined) yield `resume.request is "${request}", but ${taking.fault}`;
  if (giving.fault !== undefined) yield `resume.response is "${response}", but ${giving.fault}`;
  if (taking.type !== undefined && giving.type !== undefined && taking.type !== giving.type) {
    yield `resume names a ${taking.type} of the request and a ${giving.type} of the reply; both have to be the same`;
  }
}

function tokenField(message: DescMessage, name: string): { readonly type?: string; readonly fault?: string } {
  const field = message.fields.find((one) => one.name === name);
  if (field === undefined) return { fault: noSuchField(name, message) };
  if (field.oneof !== undefined) return { fault: `${name} is part of the oneof ${field.oneof.name}; name one outside` };
  const type = field.fieldKind === 'scalar' ? TOKEN_TYPES.get(field.scalar) : undefined;
  return type === undefined ? { fault: `${name} is no string and no bytes, of which a token is one` } : { type };
}

const TOKEN_TYPES = new Map([
  [ScalarType.STRING, 'string'],
  [ScalarType.BYTES, 'bytes'],
]);

export const noSuchField = (name: string, { typeName, fields }: DescMessage): string =>
  `${typeName} has no field "${name}"; it has ${fields.map((field) => field.name).join(', ') || 'none'}`;

function fieldFault({ name, fieldKind, message }: DescField, last: boolean): string | undefined {
  if (fieldKind === 'list' || fieldKind === 'map') return `${name} is a ${fieldKind}: which of its values would count?`;
  if (last && message !== undefined) return `${name} is a whole ${message.typeName}; name a field of it`;
  return last || fieldKind === 'message' ? undefined : `${name} has no fields`;
}
