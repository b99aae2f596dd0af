import type { DescField, DescMessage, JsonValue } from '@bufbuild/protobuf';
import { MethodPolicy, Tool as ToolOption } from '@rondo/contracts/rondo/options/v1/options';
import type { Tool } from '@rondo/mcp';
import { GET_OPERATION, KEY_ARGUMENT, toolName } from '@rondo/schema';
import { commentOf } from '@rondo/schema/form';
import type { PublicMethod } from '../discovery/catalogue.js';
import { startsOperation } from '../discovery/operations.js';
import type { Schema } from '../openapi/model.js';
import { createSchemas, NONE } from '../openapi/schema.js';
import { wellKnownSchema } from '../openapi/well-known.js';

/** The argument of a tool that has the idempotency key. */
export interface ToolKey {
  readonly argument: string;
  /** The key of the call's metadata that gets it; undefined if the argument is a field of the request. */
  readonly metadata?: string;
  /** The field of the request that it is. */
  readonly field?: DescField;
}

/** A method that is a tool. */
export interface MethodTool {
  readonly name: string;
  readonly target: PublicMethod;
  readonly auth: MethodPolicy['auth'];
  readonly key: ToolKey | undefined;
  /** What agents see of it. It is made at the first look. */
  readonly shown: Tool;
}

/** The tool that a method is by its contract. */
export function methodTool(target: PublicMethod, policy: MethodPolicy & { readonly tool: ToolOption }): MethodTool {
  const { desc, method } = target;
  const { idempotency } = method.policy;
  const name = toolName(policy.tool, desc.name);
  const key = keyOf(desc.input, policy.idempotency);
  const show = (): Tool => ({
    name,
    description: `${policy.tool.description || commentOf(desc)}${startsOperation(desc) ? ABOUT_OPERATION : ''}`,
    input: inputSchema(desc.input, key),
    output: objectSchema(desc.output),
    readOnly: idempotency === 'no_side_effects',
    idempotent: idempotency === 'idempotent',
    confirm: policy.tool.confirm,
  });
  let shown: Tool | undefined;
  return {
    name,
    target,
    auth: policy.auth,
    key,
    get shown() {
      shown ??= show();
      return shown;
    },
  };
}

const ABOUT_OPERATION = `\n\nAnswers at once with an operation, which goes on. Call ${GET_OPERATION} with its name, later again, until it is done.`;

/** The tool by which agents learn what became of the operations that other tools start. The service checks who may. */
export function operationTool(target: PublicMethod): MethodTool {
  const description =
    'Returns an operation by its name: with its response or its error if it is done. Changes nothing.';
  const tool = ToolOption.fromPartial({ name: GET_OPERATION, description });
  return methodTool(target, { ...MethodPolicy.fromPartial({}), tool });
}

function keyOf({ fields }: DescMessage, option: MethodPolicy['idempotency']): ToolKey | undefined {
  const { source } = option ?? {};
  if (source?.$case === 'metadata') return { argument: KEY_ARGUMENT, metadata: source.value };
  const field = fields.find(({ name }) => name === source?.value);
  return field && { argument: field.jsonName, field };
}

/** What an agent reads of the key: it is the only one that knows what it intends. */
const ABOUT_KEY =
  'Makes a repeated call safe. Make a new value for each intention, such as a random UUID, and send the same value when you repeat the call: it then takes effect once.';

function inputSchema(desc: DescMessage, key: ToolKey | undefined): ObjectSchema {
  const schema = objectSchema(desc);
  if (key === undefined) return schema;
  const { properties = {}, required = [] } = schema;
  const { description, ...own }: Schema = properties[key.argument] ?? { type: 'string' };
  const property = { ...own, minLength: 1, description: [ABOUT_KEY, description].filter(Boolean).join('\n\n') };
  return {
    ...schema,
    properties: { ...properties, [key.argument]: property },
    required: [...new Set([...required, key.argument])],
  };
}

/** The schema of an object, with those of the messages in it. */
interface ObjectSchema extends Schema {
  readonly $defs?: Readonly<Record<string, Schema>>;
}

function objectSchema(desc: DescMessage): ObjectSchema {
  const schemas = createSchemas('#/$defs/');
  const schema = wellKnownSchema(desc) ?? schemas.body(desc, { integers: 'text', without: NONE, partial: false });
  const $defs = schemas.components();
  return Object.keys($defs).length === 0 ? schema : { ...schema, $defs };
}

/** The idempotency key among the arguments of a call; undefined if there is none. */
export function keyAmong(given: Readonly<Record<string, JsonValue>>, { argument, field }: ToolKey): string | undefined {
  const value = given[argument] ?? (field && given[field.name]);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
