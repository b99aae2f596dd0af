import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { Method } from '@rondo/rpc/internal';

/** `google.protobuf.FieldDescriptorProto.Type` of an enum. Scalar types have the same numbers in protobuf-es. */
const ENUM = 14;
const STRING = 9;
const BYTES = 12;

type PolicyFields = NonNullable<Method['policyFields']>;

/** Where the fields that a method's policy names are in encoded messages. A field that isn't there is left out. */
export function policyFieldsOf(
  { hashKey: key, resume, key: keyed, cache }: Method['policy'],
  { input, output }: { readonly input: DescMessage; readonly output: DescMessage },
): PolicyFields {
  const hashKey = key?.from === 'field' ? fieldAt(input, key.path) : undefined;
  const request = resume && tokenIn(input, resume.request);
  const response = resume && tokenIn(output, resume.response);
  const resumed = request !== undefined && response !== undefined;
  const number = keyed?.source.from === 'field' ? tokenIn(input, keyed.source.name) : undefined;
  const cacheKey = cache?.feed?.key === undefined ? undefined : tokenIn(input, cache.feed.key);
  return {
    ...(hashKey && { hashKey }),
    ...(cacheKey !== undefined && { cacheKey }),
    ...(resumed && { resume: { request, response } }),
    ...(number !== undefined && { key: number }),
  };
}

/** The scalar field that names in code lead to. */
function fieldAt(message: DescMessage, path: readonly string[]): PolicyFields['hashKey'] {
  const numbers: number[] = [];
  let within: DescMessage | undefined = message;
  let type: number | undefined;
  for (const name of path) {
    const field: DescField | undefined = within?.fields.find(({ localName }) => localName === name);
    if (field === undefined) return undefined;
    numbers.push(field.number);
    within = field.fieldKind === 'message' ? field.message : undefined;
    type = typeOf(field);
  }
  return type === undefined ? undefined : { path: numbers, type };
}

function typeOf(field: DescField): number | undefined {
  if (field.fieldKind === 'enum') return ENUM;
  return field.fieldKind === 'scalar' ? field.scalar : undefined;
}

/** The number of a top-level string or bytes field. */
function tokenIn(message: DescMessage, name: string): number | undefined {
  const field = fieldAt(message, [name]);
  return field?.type === STRING || field?.type === BYTES ? field.path[0] : undefined;
}
