import type { DescMessage } from '@bufbuild/protobuf';
import { learnSchema, parseMetadata, type Where } from '../call/index.js';
import { type CommandContext, defineCommand } from '../command.js';
import { completeMethod } from '../completion/index.js';
import { ExitCode } from '../exit-code.js';
import { addressOption, jsonOption, metadataOption, parseAddresses } from '../options.js';
import { registryAddresses, registryOption } from '../registry/index.js';
import {
  type DynamicMethod,
  exampleOf,
  formatMethod,
  formatPolicy,
  formatTypes,
  type Schema,
} from '../schema/index.js';
import { createPaint } from '../terminal/index.js';
import { UsageError } from '../usage-error.js';

/** `rondo describe`: the contract of a service that runs. */
export const describe = defineCommand({
  name: 'describe',
  summary: 'Prints the contract of a service that runs: its methods, or the messages of one.',
  usage: '<service>[/<method>] [options]',
  details: [
    'The service may be written short where one alone can be meant. It tells its contract itself, by reflection. With a',
    'method, its messages are printed as a .proto declares them, and a command line to start from.',
  ].join('\n'),
  options: { ...addressOption, ...metadataOption, ...registryOption, ...jsonOption },
  maxPositionals: 1,
  examples: [
    ['describe CalculatorService', 'Its methods.'],
    ['describe CalculatorService/Add', 'The messages of one, and how it is called.'],
    ["describe CalculatorService --json | jq -r '.methods[].name'", 'For a script.'],
  ],
  complete: async (written, context) => (written.positionals.length === 0 ? completeMethod(written, context) : []),
  async run({ values, positionals: [name] }, context) {
    if (name === undefined) throw new UsageError('name a service, such as CalculatorService; rondo ps lists them');
    const [service = '', method] = name.replace(/^\//, '').split('/');
    const where: Where =
      values.address === undefined
        ? { by: 'registry', registry: registryAddresses(values.registry, context.environment) }
        : { by: 'address', addresses: parseAddresses('--address', values.address) };
    const metadata = parseMetadata(values.metadata ?? []);
    const schema = await learnSchema(service, { where, metadata, signal: context.signal });
    const methods = (method === undefined ? schema.methods : [method]).map((one) => schema.method(one));
    const [only] = methods;
    if (values.json) await context.stdout.write(`${JSON.stringify(view(schema, methods))}\n`);
    else if (method === undefined || only === undefined) await context.stdout.write(formatService(schema, context));
    else await context.stdout.write(formatOne(only));
    return ExitCode.OK;
  },
});

/** The methods of a service, one a line. */
export function formatService(schema: Schema, { stdout }: Pick<CommandContext, 'stdout'>): string {
  const paint = createPaint(stdout.color);
  const lines = schema.methods.map((name) => {
    const method = schema.method(name);
    const policy = formatPolicy(method);
    return `  ${formatMethod(method)};${policy === '' ? '' : paint('dim', `  // ${policy}`)}\n`;
  });
  return `${paint('bold', `service ${schema.service}`)} {\n${lines.join('')}}\n`;
}

function formatOne(method: DynamicMethod): string {
  const policy = formatPolicy(method);
  const example = JSON.stringify(exampleOf(method.input)).replaceAll("'", "'\\''");
  return [
    `${formatMethod(method)};${policy === '' ? '' : `  // ${policy}`}`,
    '',
    formatTypes([method.input, method.output]),
    `rondo call ${method.service}/${method.name} '${example}'`,
    '',
  ].join('\n');
}

function view({ service }: Schema, methods: readonly DynamicMethod[]) {
  const message = ({ typeName }: DescMessage) => typeName;
  return {
    service,
    methods: methods.map((method) => ({
      name: method.name,
      requestType: message(method.input),
      replyType: message(method.output),
      requestStream: method.requestStream,
      replyStream: method.responseStream,
      policy: formatPolicy(method),
      example: exampleOf(method.input),
    })),
  };
}
