import type { DescMessage } from '@bufbuild/protobuf';
import { commentOf, exampleOf, exampleOfField, splitComment } from '@rondo/schema/form';
import type { HttpBinding } from '@rondo/schema/http';
import type { PublicMethod } from '../discovery/catalogue.js';
import { etagField } from '../http-json/conditions.js';
import { givesRawBody, takesRawBody } from '../http-json/http-body.js';
import type { Operation, Parameter, Reference, RequestBody, Response, Schema } from './model.js';
import { headerParameters, pathParameters, queryParameters } from './parameters.js';
import type { OpenApiPath } from './path.js';
import { CONNECT_ERROR, type Integers, isRequired, referTo, requestExample, type Schemas, STATUS } from './schema.js';
import { securityOf } from './security.js';

/** What an operation is made from. */
export interface OperationOptions {
  readonly target: PublicMethod;
  readonly operationId: string;
  readonly schemas: Schemas;
  /** Whether the gateway verifies credentials. */
  readonly authenticates: boolean;
}

/** The responses that operations share. */
export const SHARED_RESPONSES: Readonly<Record<string, Response>> = {
  Error: { description: 'An error.', content: { 'application/json': { schema: referTo(STATUS) } } },
  ConnectError: { description: 'An error.', content: { 'application/json': { schema: referTo(CONNECT_ERROR) } } },
};

const sharedResponse = (name: string): Reference => ({ $ref: `#/components/responses/${name}` });

/** A binding of a method as HTTP/JSON serves it. */
export function bindingOperation(binding: HttpBinding, path: OpenApiPath, options: OperationOptions): Operation {
  const { target, schemas } = options;
  const { desc, int64AsNumber, method } = target;
  const integers: Integers = int64AsNumber ? 'numbers' : 'text';
  const parts = { input: desc.input, schemas, integers };
  const resumes = method.policy.resume !== undefined && desc.methodKind === 'server_streaming';
  const parameters: readonly Parameter[] = [
    ...pathParameters(path, parts),
    ...queryParameters(binding, parts),
    ...headerParameters(desc, binding, resumes),
  ];
  const requestBody = bodyOf(binding, options, integers);
  return {
    ...describe(options),
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    responses: { ...successOf(binding, options, integers), default: sharedResponse('Error') },
  };
}

/** The operation of a unary method without an HTTP binding, which callers reach by Connect. Its JSON is canonical: 64-bit integers are text. */
export function connectOperation(options: OperationOptions): Operation {
  const { target, schemas } = options;
  const { input, output } = target.desc;
  const example = exampleOf(input, requestExample('text'));
  const schema = schemas.message(input, 'text');
  return {
    ...describe(options),
    requestBody: { required: true, content: { 'application/json': { schema, example } } },
    responses: {
      200: {
        description: replyComment(output),
        content: { 'application/json': { schema: schemas.message(output, 'text') } },
      },
      default: sharedResponse('ConnectError'),
    },
  };
}

function describe({ target, operationId, authenticates }: OperationOptions) {
  const { desc } = target;
  const { summary, description } = splitComment(commentOf(desc));
  return {
    tags: [desc.parent.typeName],
    operationId,
    summary: summary === '' ? `Calls ${desc.name}.` : summary,
    ...(description !== '' && { description }),
    ...(authenticates && { security: securityOf(desc) }),
    ...((desc.deprecated || desc.parent.deprecated) && { deprecated: true as const }),
  };
}

/** The body; undefined if the request has none, or if the path fills all that it could hold. */
function bodyOf(
  binding: HttpBinding,
  { target, schemas }: OperationOptions,
  integers: Integers,
): RequestBody | undefined {
  const { input, methodKind } = target.desc;
  if (binding.body === '') return undefined;
  if (takesRawBody(input, binding)) {
    return { description: 'Any content, with its content type.', content: { '*/*': { schema: RAW } } };
  }
  if (methodKind === 'client_streaming' || methodKind === 'bidi_streaming') {
    const schema = schemas.message(input, integers);
    return { description: 'JSON lines, one message a line.', required: true, content: { [LINES]: { schema } } };
  }
  if (binding.body === '*') return wholeBody(binding, input, { schemas, integers });
  const field = input.fields.find(({ name }) => name === binding.body);
  if (field === undefined) return undefined;
  const partial = binding.verb === 'PATCH' && field.fieldKind === 'message';
  const { description, ...schema } = schemas.field(field, integers);
  const body = partial ? schemas.body(field.message, { integers, without: NONE, partial }) : schema;
  return {
    ...(description !== undefined && { description }),
    ...((partial || isRequired(field)) && { required: true }),
    content: { 'application/json': { schema: body, example: exampleOfField(field, requestExample(integers)) } },
  };
}

/** The request message without the fields that the path fills. */
function wholeBody(
  { template }: HttpBinding,
  input: DescMessage,
  { schemas, integers }: { readonly schemas: Schemas; readonly integers: Integers },
): RequestBody | undefined {
  const without = new Set(template.variables.map(({ field }) => field));
  const left = input.fields.filter(({ name }) => !without.has(name));
  if (left.length === 0) return undefined;
  const whole = left.length === input.fields.length;
  const schema = whole ? schemas.message(input, integers) : schemas.body(input, { integers, without, partial: false });
  const filled = input.fields.filter((field) => !left.includes(field));
  const example = exampleOf(input, requestExample(integers, filled));
  return { ...(left.some(isRequired) && { required: true }), content: { 'application/json': { schema, example } } };
}

const NONE: ReadonlySet<string> = new Set();
const LINES = 'application/x-ndjson';
/** Bytes as they are. Source: https://spec.openapis.org/oas/v3.1.1.html#working-with-binary-data */
const RAW: Schema = { contentMediaType: 'application/octet-stream' };

function successOf(
  binding: HttpBinding,
  { target, schemas }: OperationOptions,
  integers: Integers,
): Readonly<Record<string, Response>> {
  const { output, methodKind } = target.desc;
  if (givesRawBody(output, binding)) {
    return { 200: { description: 'The content, with its own content type.', content: { '*/*': { schema: RAW } } } };
  }
  const field = output.fields.find(({ name }) => name === binding.responseBody);
  const { description = '', ...schema }: Schema = field
    ? schemas.field(field, integers)
    : { ...schemas.message(output, integers), description: replyComment(output) };
  if (methodKind === 'server_streaming' || methodKind === 'bidi_streaming') return streamOf(schema, description);
  const tagged = methodKind === 'unary' && etagField(output) !== undefined;
  return {
    200: {
      description: description === '' ? 'The reply.' : description,
      ...(tagged && { headers: { ETag: ETAG } }),
      content: { 'application/json': { schema } },
    },
    ...(tagged && binding.verb === 'GET' && { 304: { description: 'The client has the present state.' } }),
  };
}

const ETAG = {
  description: 'The state that the reply shows, for `If-Match` and `If-None-Match`.',
  schema: { type: 'string' },
} as const;

const replyComment = (output: DescMessage) => splitComment(commentOf(output)).summary || 'The reply.';

/** The replies of a stream, in the two forms that HTTP/JSON has for it. */
function streamOf(message: Schema, description: string): Readonly<Record<string, Response>> {
  const failure: Schema = { type: 'object', properties: { error: referTo(STATUS) }, required: ['error'] };
  const events: Schema = {
    type: 'string',
    description:
      'Server-sent events: the `data` of each is a message as JSON. `id`, if there is one, is where the stream resumes. An event `error` ends a stream that failed; its `data` is a google.rpc.Status.',
  };
  return {
    200: {
      description: `${description} JSON lines, one message a line; a stream that fails ends with a line that has only \`error\`. With \`Accept: text/event-stream\`, server-sent events.`,
      content: { [LINES]: { schema: { anyOf: [message, failure] } }, 'text/event-stream': { schema: events } },
    },
  };
}
