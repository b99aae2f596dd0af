import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DescEnum, DescField, DescMessage, DescOneof } from '@bufbuild/protobuf';
import { authText } from '@rondo/rpc/internal';
import { type DynamicMethod, methodOf, type Schema } from '@rondo/schema';
import {
  behaviorsOf,
  exampleOf,
  formatRules,
  type Rule,
  rulesOfField,
  rulesOfMessage,
  rulesOfOneof,
} from '@rondo/schema/form';
import { learnSchema, parseMethodName, whereOf } from '../call/target.js';
import { type CommandContext, defineCommand } from '../command.js';
import { completeMethod } from '../completion/registered.js';
import { labelOf, typeOf } from '../generate/print-proto.js';
import { addressOption, jsonOption, metadataOption, parseMetadata, registryOption } from '../options.js';
import { createPaint } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';

export const describe = defineCommand({
  name: 'describe',
  summary: 'Prints the contract of a running service: its methods, or the messages of one method.',
  details: [
    "The service's name may be shortened if it stays unique. The service itself returns its contract, by reflection. With a",
    "method, the output is the method's messages as a .proto declares them, and a command line to start from.",
  ].join('\n'),
  options: { ...addressOption, ...metadataOption, ...registryOption, ...jsonOption },
  args: { name: '<service>[/<method>]' },
  missing: 'name a service, such as CalculatorService; rondo ps lists them',
  examples: [
    ['describe CalculatorService', 'Its methods.'],
    ['describe CalculatorService/Add', 'The messages of one method, and how to call it.'],
  ],
  complete: completeMethod,
  async run({ name, address, metadata: pairs }, context) {
    const { service, method } = parseMethodName(name);
    const where = await whereOf(address, context);
    const metadata = parseMetadata(pairs);
    const schema = await learnSchema(service, { where, metadata, signal: context.signal });
    const methods = (method === undefined ? schema.methods : [method]).map((one) => schema.method(one));
    const text =
      method === undefined
        ? `service ${schema.service} {\n${methods.map((one) => `  ${declare(one)}\n`).join('')}}\n`
        : methods.map((one) => formatOne(one, commandLine(address, context))).join('');
    return { json: view(schema, methods), text: shown(text, context) };
  },
});

/** The contract comes from a server: its text must not control the terminal. */
function shown(text: string, { stdout }: CommandContext): string {
  const paint = createPaint(stdout.color);
  const line = (one: string) => printable(one).replace(/ {2}\/\/ .*$/, (comment) => paint('dim', comment));
  return text.split('\n').map(line).join('\n');
}

function declare(method: DynamicMethod): string {
  const policy = formatPolicy(method);
  return `${formatMethod(method)};${policy === '' ? '' : `  // ${policy}`}`;
}

/** How `rondo call` is typed here to reach the same server. An image has no script `rondo` in its folder. */
function commandLine(address: string | undefined, { registry, repository }: CommandContext) {
  const given = address === undefined ? registry && ` --registry ${registry}` : ` --address ${address}`;
  return { program: existsSync(path.join(repository, 'rondo')) ? './rondo' : 'rondo', flags: given ?? '' };
}

function formatOne(method: DynamicMethod, { program, flags }: ReturnType<typeof commandLine>): string {
  const example = JSON.stringify(requestOf(method)).replaceAll("'", "'\\''");
  return [
    declare(method),
    '',
    formatTypes([method.input, method.output]),
    `${program} call ${method.service}/${method.name} '${example}'${flags}`,
    '',
  ].join('\n');
}

/** A request with every field that a caller may set. */
const requestOf = ({ input }: DynamicMethod) =>
  exampleOf(input, { without: (field) => behaviorsOf(field).has('OUTPUT_ONLY') });

function view({ service }: Schema, methods: readonly DynamicMethod[]) {
  return {
    service,
    methods: methods.map((method) => ({
      name: method.name,
      requestType: method.input.typeName,
      replyType: method.output.typeName,
      requestStream: method.requestStream,
      replyStream: method.responseStream,
      policy: formatPolicy(method),
      example: requestOf(method),
    })),
  };
}

/** A method as a `.proto` declares it: `rpc Add(calculator.v1.AddRequest) returns (calculator.v1.AddResponse)`. */
function formatMethod({ name, input, output, requestStream, responseStream }: DynamicMethod): string {
  const type = (stream: boolean, desc: DescMessage) => `${stream ? 'stream ' : ''}${desc.typeName}`;
  return `rpc ${name}(${type(requestStream, input)}) returns (${type(responseStream, output)})`;
}

/** The call policy of a method in its contract: `once for each request_id, timeout 2000 ms`; empty if it has none. */
export function formatPolicy(method: DynamicMethod): string {
  const { timeoutMs, key, priority, auth } = methodOf(method)?.policy ?? {};
  return [
    ...(LEVELS[method.options.idempotencyLevel ?? ''] ?? []),
    ...(key === undefined
      ? []
      : [`once for each ${key.source.from === 'field' ? key.source.inContract : key.source.key}`]),
    ...(timeoutMs === undefined ? [] : [`timeout ${timeoutMs} ms`]),
    ...(priority === undefined ? [] : [`${priority} priority`]),
    ...(auth === undefined ? [] : [`auth: ${authText(auth)}`]),
  ].join(', ');
}

const LEVELS: Readonly<Record<string, readonly string[]>> = {
  NO_SIDE_EFFECTS: ['no side effects'],
  IDEMPOTENT: ['idempotent'],
};

/** The messages and enums that `roots` consist of, each once, as a `.proto` declares them, with their rules as comments. */
export function formatTypes(roots: readonly DescMessage[]): string {
  const found = new Map<string, string>();
  const waiting: (DescMessage | DescEnum)[] = [...roots];
  for (const desc of waiting) {
    // Well-known types have their own form in JSON, which Protobuf documents.
    if (found.has(desc.typeName) || desc.typeName.startsWith('google.protobuf.')) continue;
    found.set(desc.typeName, desc.kind === 'message' ? declareMessage(desc) : declareEnum(desc));
    if (desc.kind === 'message')
      waiting.push(...desc.fields.flatMap((field) => [field.message, field.enum].filter((type) => type !== undefined)));
  }
  return [...found.values()].join('\n');
}

function declareMessage(message: DescMessage): string {
  const { typeName, members } = message;
  const lines = members.flatMap((member) => (member.kind === 'oneof' ? declareOneof(member) : [declareField(member)]));
  return `message ${typeName} {${noted(rulesOfMessage(message))}\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}

function declareOneof(oneof: DescOneof): readonly string[] {
  const { name, fields } = oneof;
  return [`oneof ${name} {${noted(rulesOfOneof(oneof))}`, ...fields.map((field) => `  ${declareField(field)}`), '}'];
}

function declareField(field: DescField): string {
  const note = noted(rulesOfField(field), [...behaviorsOf(field)]);
  return `${labelOf(field)}${typeOf(field)} ${field.name} = ${field.number};${note}`;
}

/** The behavior of a field and the rules of `buf.validate`, as a comment. */
function noted(rules: readonly Rule[], behaviors: readonly string[] = []): string {
  const notes = [...behaviors, ...(rules.length === 0 ? [] : [formatRules(rules)])];
  return notes.length === 0 ? '' : `  // ${notes.join(', ')}`;
}

function declareEnum({ typeName, values }: DescEnum): string {
  return `enum ${typeName} {\n${values.map(({ name, number }) => `  ${name} = ${number};\n`).join('')}}\n`;
}
