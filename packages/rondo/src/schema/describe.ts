import type { DescEnum, DescField, DescMessage, DescOneof } from '@bufbuild/protobuf';
import { authText } from '@rondo/rpc/internal';
import { type DynamicMethod, methodOf } from '@rondo/schema';
import { formatRules, type Rule, rulesOfField, rulesOfMessage, rulesOfOneof } from '@rondo/schema/form';
import { labelOf, typeOf } from '../generate/print-proto.js';

/** A method as a `.proto` declares it: `rpc Add(calculator.v1.AddRequest) returns (calculator.v1.AddResponse)`. */
export function formatMethod({ name, input, output, requestStream, responseStream }: DynamicMethod): string {
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
  return `${labelOf(field)}${typeOf(field)} ${field.name} = ${field.number};${noted(rulesOfField(field))}`;
}

/** The rules of `buf.validate`, as a comment. */
function noted(rules: readonly Rule[]): string {
  return rules.length === 0 ? '' : `  // ${formatRules(rules)}`;
}

function declareEnum({ typeName, values }: DescEnum): string {
  return `enum ${typeName} {\n${values.map(({ name, number }) => `  ${name} = ${number};\n`).join('')}}\n`;
}
