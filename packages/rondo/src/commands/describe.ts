import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DynamicMethod, Schema } from '@rondo/schema';
import { exampleOf } from '@rondo/schema/form';
import { learnSchema, parseMethodName, whereOf } from '../call/target.js';
import { type CommandContext, defineCommand } from '../command.js';
import { completeMethod } from '../completion/registered.js';
import { addressOption, jsonOption, metadataOption, parseMetadata, registryOption } from '../options.js';
import { formatMethod, formatPolicy, formatTypes } from '../schema/describe.js';
import { createPaint } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';

/** `rondo describe`: prints the contract of a running service. */
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
  const example = JSON.stringify(exampleOf(method.input)).replaceAll("'", "'\\''");
  return [
    declare(method),
    '',
    formatTypes([method.input, method.output]),
    `${program} call ${method.service}/${method.name} '${example}'${flags}`,
    '',
  ].join('\n');
}

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
      example: exampleOf(method.input),
    })),
  };
}
