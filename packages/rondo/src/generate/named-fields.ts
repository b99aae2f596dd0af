/** Checks the fields and keys of metadata that options name. */
import { type DescField, type DescMessage, type DescMethod, ScalarType } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { isMetadataKey } from '../../../rpc/src/contract/cache-policy.js';
import type { Faults, KeySource, Policy } from './options.js';

const { NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;

/** The types of a field that an option may name, and what any other field isn't. */
interface Kind {
  readonly types: ReadonlySet<ScalarType | undefined>;
  readonly otherwise: string;
}

const { STRING, BYTES, BOOL, DOUBLE, FLOAT, ...INTEGERS } = ScalarType;
export const KEY: Kind = { types: new Set([STRING]), otherwise: 'no string, which a key is' };
/** Of a field whose values name what belongs together. */
export const GROUPING: Kind = {
  types: new Set([STRING, ...Object.values(INTEGERS).filter((one) => typeof one === 'number')]),
  otherwise: 'no string and no integer, of which a key is one',
};
export const RESOURCE: Kind = { types: new Set([STRING]), otherwise: 'no string, which names a resource' };
const TOKEN: Kind = { types: new Set([STRING, BYTES]), otherwise: 'no string and no bytes, of which a token is one' };

/** Checks that an option names a field of a kind. */
export function* inNamed(
  option: string,
  name: string,
  { message, kind }: { message: DescMessage; kind: Kind },
): Faults {
  const field = message.fields.find((one) => one.name === name);
  const isScalar = field?.fieldKind === 'scalar' && kind.types.has(field.scalar);
  if (field === undefined) yield `${option} is "${name}", but ${noSuchField(name, message)}`;
  else if (!isScalar) yield `${option} is "${name}", but ${name} is ${kind.otherwise}`;
  else if (field.oneof !== undefined)
    yield `${option} is "${name}", but ${name} is part of the oneof ${field.oneof.name}; name one outside`;
}

export function* inHashKey(method: DescMethod, { source }: { readonly source: KeySource }): Faults {
  if (source.case === 'metadata') yield* inMetadataKey('hash_key.metadata', source.value);
  else if (source.case === 'field') yield* inField(method, source.value);
  else yield 'hash_key names neither a field nor a metadata key';
}

export function* inMetadataKey(option: string, key: string): Faults {
  if (!isMetadataKey(key))
    yield `${option} is "${key}"; a key must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin`;
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
  const faults = [
    ...inNamed('resume.request', request, { message: method.input, kind: TOKEN }),
    ...inNamed('resume.response', response, { message: method.output, kind: TOKEN }),
  ];
  yield* faults;
  const typeOf = ({ fields }: DescMessage, name: string) =>
    fields.find((field) => field.name === name)?.scalar === STRING ? 'string' : 'bytes';
  const [taking, giving] = [typeOf(method.input, request), typeOf(method.output, response)];
  if (faults.length === 0 && taking !== giving)
    yield `resume names a ${taking} of the request and a ${giving} of the reply; both have to be the same`;
}

export const noSuchField = (name: string, { typeName, fields }: DescMessage): string =>
  `${typeName} has no field "${name}"; it has ${fields.map((field) => field.name).join(', ') || 'none'}`;

function fieldFault({ name, fieldKind, message }: DescField, last: boolean): string | undefined {
  if (fieldKind === 'list' || fieldKind === 'map') return `${name} is a ${fieldKind}: which of its values would count?`;
  if (last && message !== undefined) return `${name} is a whole ${message.typeName}; name a field of it`;
  return last || fieldKind === 'message' ? undefined : `${name} has no fields`;
}
