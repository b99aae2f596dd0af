import { defineCommand, type Printed, type RunContext } from '../command.js';
import { UsageError } from '../errors.js';
import { flag, valued } from '../help.js';
import { jsonOption } from '../options.js';
import type { PluginChange } from '../scaffold/index.js';
import { lines, loadScaffold, pasted, workOnTree } from '../tree-work.js';

export const pluginServices = {
  service: {
    ...valued('NAME', 'A service to change; may be repeated. By default all services of the workspace.'),
    multiple: true,
  },
} as const;

export const add = defineCommand({
  name: 'add',
  summary: 'Adds a plugin to services, such as a kind of registry: the dependency, and the entry in their main.ts.',
  details: [
    'A plugin is what services use besides the core of Rondo: registry-consul, registry-eureka, registry-kubernetes and',
    'registry-zookeeper (RONDO_REGISTRY), topics-nats (RONDO_TOPICS), cache-redis (RONDO_CACHE), telemetry (OTEL_…),',
    'authentication (RONDO_AUTH_ISSUER, RONDO_API_KEYS), and balancing (ring hash, zones, subsets, hedges, breakers and',
    'bulkheads). It is written into package.json, and into plugins of runService in src/main.ts, in the form of rondo new.',
    'If a step fails, the commands of git that take it back are printed.',
  ].join('\n'),
  options: {
    ...pluginServices,
    force: flag('Go on if git has no copy of changes: the lines to write are printed.'),
    ...jsonOption,
  },
  args: { names: '[plugin] …' },
  examples: [
    ['add registry-consul', 'All services of the workspace can be registered in Consul.'],
    ['add topics-nats --service sales', 'NATS can carry the events of sales.'],
  ],
  exitCodes: { INTERRUPTED: 'Ctrl-C ended the command, which printed how git takes back what was changed.' },
  async complete({ positionals }) {
    const { pluginNames } = await loadScaffold('add');
    return pluginNames.filter((name) => !positionals.includes(name)).map((word) => ({ word }));
  },
  run: ({ names, service: services, force }, context) =>
    changeServices({ change: 'add', names, services, force }, context),
});

export async function changeServices(
  { force, ...asked }: PluginChange & { readonly force: boolean },
  context: RunContext,
): Promise<Printed> {
  const { change } = asked;
  const { changePlugins, pluginNames } = await loadScaffold(change);
  const names = asked.names.map((name) => name.replace('@rondo/', ''));
  if (names.length === 0) throw new UsageError(`name the plugin: ${pluginNames.join(', ')}`);
  const { services, files, paste } = await workOnTree({ command: change, force }, context, (tree) =>
    changePlugins({ ...tree, ...asked, names }),
  );
  const [done, have] = change === 'add' ? ['Added', 'have'] : ['Removed', "don't have"];
  const text =
    services.length === 0
      ? [`Nothing to do: the services ${have} ${names.join(', ')}.`]
      : [`${done} ${names.join(', ')}: ${services.join(', ')}`, ...files.map((file) => `  ${file}`), ...pasted(paste)];
  return { json: { change, names, services, files, paste }, text: lines(text) };
}
