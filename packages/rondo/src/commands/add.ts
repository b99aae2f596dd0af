import { type CommandContext, defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-code.js';
import { jsonOption } from '../options.js';
import type { ChangePluginOptions } from '../scaffold/index.js';
import { lines, loadScaffold, workOnTree } from '../tree-work.js';

/** The option of the services that a plugin is added to. */
export const pluginServices = {
  service: {
    type: 'string',
    placeholder: 'NAME',
    multiple: true,
    description: 'A service to change; may be repeated. By default all services of the workspace.',
  },
} as const;

/** `rondo add`: adds a plugin of Rondo to services. */
export const add = defineCommand({
  name: 'add',
  summary: 'Adds a plugin to services, such as a kind of registry: the dependency, and the entry in their main.ts.',
  usage: '<plugin> [--service NAME …] [--json]',
  details: [
    'A plugin is what services use besides the core of Rondo: registry-consul, registry-eureka, registry-kubernetes and',
    'registry-zookeeper (RONDO_REGISTRY), topics-nats (RONDO_TOPICS), cache-redis (RONDO_CACHE), authentication',
    '(RONDO_AUTH_ISSUER, RONDO_API_KEYS) and telemetry (OTEL_…). It is written as a dependency into package.json, and into',
    'runService({ …, plugins: [consul] }) of src/main.ts. A service that has it already stays as it is. If a step fails, the',
    'tree is as it was.',
    '',
    'With --json: {"change":"add","name":…,"services":[…],"files":[…]}.',
  ].join('\n'),
  options: { ...pluginServices, ...jsonOption },
  maxPositionals: 1,
  examples: [
    ['add registry-consul', 'All services of the workspace can be registered in Consul.'],
    ['add topics-nats --service sales', 'NATS can carry the events of sales.'],
  ],
  exitCodes: {
    FAILED: 'Refused or failed; standard error says why.',
    INTERRUPTED: 'Ctrl-C ended the command: the tree is as it was.',
  },
  async complete({ positionals }) {
    const { pluginNames } = await loadScaffold('add');
    return positionals.length === 0 ? pluginNames.map((word) => ({ word })) : [];
  },
  async run({ values: { service: services, json }, positionals: [name] }, context) {
    return changePlugins({ change: 'add', name, services }, json ?? false, context);
  },
});

type Asked = Pick<ChangePluginOptions, 'change' | 'services'> & { readonly name: string | undefined };

/** Adds a plugin to services, or takes it out of them, and says what has changed. */
export async function changePlugins(asked: Asked, json: boolean, context: CommandContext): Promise<number> {
  const { change } = asked;
  const { changePlugin, pluginNames } = await loadScaffold(change);
  const name = asked.name?.replace('@rondo/', '');
  if (name === undefined) throw new UsageError(`name the plugin: ${pluginNames.join(', ')}`);
  const { services, files } = await workOnTree(`${change} ${name}`, { json, context }, (on) =>
    changePlugin({ ...on, ...asked, name }),
  );
  const done = change === 'add' ? 'Added' : 'Removed';
  const text =
    files.length === 0
      ? [`Nothing to do: the services ${change === 'add' ? 'have' : "don't have"} ${name}.`]
      : [`${done} ${name}: ${services.join(', ')}`, ...files.map((file) => `  ${file}`)];
  await context.stdout.write(json ? `${JSON.stringify({ change, name, services, files })}\n` : lines(text));
  return ExitCode.OK;
}
