import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf';
import { behaviorsOf } from '@rondo/schema/form';
import type { HttpBinding } from '@rondo/schema/http';
import { etagField, etagPath, requestIdField } from '../http-json/conditions.js';
import { hasOwnJson, isInQuery } from '../http-json/query.js';
import type { Parameter, Schema } from './model.js';
import type { OpenApiPath } from './path.js';
import { type Integers, isRequired, type Schemas } from './schema.js';

/** What the parameters of an operation are made from. */
export interface ParameterOptions {
  readonly input: DescMessage;
  readonly schemas: Schemas;
  readonly integers: Integers;
}

export function pathParameters({ variables }: OpenApiPath, options: ParameterOptions): readonly Parameter[] {
  return variables.map(({ name, field, partOf, several }) => {
    const desc = field === undefined ? undefined : fieldAt(options.input, field);
    const { description, ...schema } = desc ? options.schemas.field(desc, options.integers) : TEXT;
    const notes = [
      partOf === undefined ? undefined : `The \`{${name}}\` of the field \`${field}\`, \`${partOf}\`.`,
      schema.readOnly || /^`[^`]*`\.?$/.test(description ?? '') ? undefined : description,
      several ? 'It may hold slashes, which aren’t percent-encoded.' : undefined,
    ];
    const text = notes.filter(Boolean).join(' ');
    return {
      name,
      in: 'path',
      required: true,
      ...(text !== '' && { description: text }),
      schema: partOf === undefined ? withoutNull(schema) : TEXT,
    };
  });
}

const TEXT: Schema = { type: 'string' };

function fieldAt(input: DescMessage, path: string): DescField | undefined {
  let field: DescField | undefined;
  let message: DescMessage | undefined = input;
  for (const name of path.split('.')) {
    field = message?.fields.find((one) => one.name === name);
    message = field?.message;
  }
  return field;
}

/** A query with more of them is cut: messages in messages can have any number of fields. */
const MAX_QUERY_PARAMETERS = 200;
/** Messages without fields of their own can lead to each other in any number of ways, and to no parameter. */
const MAX_VISITED_FIELDS = 2_000;

/** The fields that neither the path nor the body fills, as the query names them. */
export function queryParameters({ template, body }: HttpBinding, options: ParameterOptions): readonly Parameter[] {
  if (body === '*') return [];
  const filled = new Set([...template.variables.map(({ field }) => field), body]);
  const parameters: Parameter[] = [];
  for (const path of queryFields(options.input, [], { filled, left: MAX_VISITED_FIELDS })) {
    if (parameters.length === MAX_QUERY_PARAMETERS) break;
    parameters.push(queryParameter(path, options));
  }
  return parameters;
}

/** The paths of fields that a query can hold. A message that holds itself is followed once. */
function* queryFields(
  message: DescMessage,
  parents: readonly DescField[],
  walk: { readonly filled: ReadonlySet<string>; left: number },
): Generator<readonly DescField[]> {
  for (const field of message.fields) {
    if (walk.left === 0) return;
    walk.left -= 1;
    const path = [...parents, field];
    if (walk.filled.has(path.map(({ name }) => name).join('.')) || behaviorsOf(field).has('OUTPUT_ONLY')) continue;
    if (isInQuery(field)) yield path;
    else if (field.fieldKind === 'message' && !hasOwnJson(field.message) && !parents.some(isOf(field.message))) {
      yield* queryFields(field.message, path, walk);
    }
  }
}

const isOf =
  (message: DescMessage) =>
  (field: DescField): boolean =>
    field.message === message;

function queryParameter(path: readonly DescField[], { schemas, integers }: ParameterOptions): Parameter {
  const last = path.at(-1);
  if (last === undefined) throw new TypeError('a query names a field');
  const { description, deprecated, ...schema } = withoutNull(schemas.field(last, integers));
  return {
    name: path.map(({ jsonName }) => jsonName).join('.'),
    in: 'query',
    // A field inside another one is required only if the other one is there.
    ...(path.length === 1 && isRequired(last) && { required: true }),
    ...(deprecated && { deprecated }),
    ...(description !== undefined && { description }),
    schema,
  };
}

/**
 * Paths and queries have no null, and readOnly and writeOnly don't apply to them. Examples are left out, because
 * the page at `/docs` would send them.
 */
function withoutNull({ readOnly, writeOnly, examples, ...schema }: Schema): Schema {
  const { type, oneOf } = schema;
  const types = Array.isArray(type) ? type.filter((one) => one !== 'null') : undefined;
  const [only] = types ?? [];
  return {
    ...schema,
    ...(only !== undefined && { type: only }),
    ...(oneOf && { oneOf: oneOf.filter((one) => one.type !== 'null') }),
  };
}

/** The headers that HTTP/JSON reads as fields of the request, or that change its answer. */
export function headerParameters(
  method: DescMethod,
  { body, verb }: HttpBinding,
  resumes: boolean,
): readonly Parameter[] {
  const { input, output, methodKind } = method;
  const streams = methodKind === 'client_streaming' || methodKind === 'bidi_streaming';
  const reads = verb === 'GET' && methodKind === 'unary' && etagField(output) !== undefined;
  const headers = [
    ...(!streams && namesState(verb, input) && etagPath(input, body) ? [IF_MATCH] : []),
    ...(!streams && requestIdField(method) ? [IDEMPOTENCY_KEY] : []),
    ...(reads ? [IF_NONE_MATCH] : []),
    ...(resumes ? [LAST_EVENT_ID] : []),
  ];
  return headers.map(([name, description]) => ({ name, in: 'header', description, schema: TEXT }));
}

/**
 * Whether a request can name the state of an existing resource by its etag. In a create, the message type has an
 * etag, but it means nothing.
 */
const namesState = (verb: string, input: DescMessage) =>
  verb === 'PATCH' || verb === 'PUT' || etagField(input) !== undefined;

type Header = readonly [name: string, description: string];

const IF_MATCH: Header = [
  'If-Match',
  'The `ETag` of the state that the request is for. If the resource has changed since, the answer is 412.',
];
const IDEMPOTENCY_KEY: Header = [
  'Idempotency-Key',
  'A UUID of the client’s choice. The request is carried out once, however often it is sent with the same key.',
];
const IF_NONE_MATCH: Header = [
  'If-None-Match',
  'The `ETag` of the state that the client has. If that is the present one, the answer is 304.',
];
const LAST_EVENT_ID: Header = [
  'Last-Event-ID',
  'The `id` of the last server-sent event. The stream goes on behind it. An `EventSource` sends it by itself.',
];
