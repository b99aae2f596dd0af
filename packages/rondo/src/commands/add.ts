import { defineCommand, type Printed, type RunContext } from '../command.js';
import { UsageError } from '../errors.js';
import { valued } from '../help.js';
import { jsonOption } from '../options.js';
import type { PluginChange } from '../scaffold/index.js';
import { lines, loadScaffold, workOnTree } from '../tree-work.js';

/** The option of the services that a plugin is added to. */
export const pluginServices = {
  service: {
    ...valued('NAME', 'A service to change; may be repeated. By default all services of the workspace.'),
    multiple: true,
  },
} as const;

/** `rondo add`: adds plugins of Rondo to services. */
export const add = defineCommand({
  name: 'add',
  summary: 'Adds a plugin to services, such as a kind of registry: the dependency, and the entry in their main.ts.',
  details: [
    'A plugin is what services use besides the core of Rondo: registry-consul, registry-eureka, registry-kubernetes and',
    'registry-zookeeper (RONDO_REGISTRY), topics-nats (RONDO_TOPICS), cache-redis (RONDO_CACHE), telemetry (OTEL_…),',
    'authentication (RONDO_AUTH_ISSUER, RONDO_API_KEYS), and balancing (ring hash, zones, subsets, hedges, breakers and',
    'bulkheads). It is written into package.json, and into plugins of runService in src/main.ts. If a step fails, the tree is',
    'as it was.',
  ].join('\n'),
  options: { ...pluginServices, ...jsonOption },
  args: { names: '[plugin] …' },
  examples: [
    ['add registry-consul', 'All services of the workspace can be registered in Consul.'],
    ['add topics-nats --service sales', 'NATS can carry the events of sales.'],
  ],
  exitCodes: { INTERRUPTED: 'Ctrl-C ended the command: the tree is as it was.' },
  async complete({ positionals }) {
    const { pluginNames } = await loadScaffold('add');
    return pluginNames.filter((name) => !positionals.includes(name)).map((word) => ({ word }));
  },
  run: ({ names, service: services }, context) => changeServices({ change: 'add', names, services }, context),
});

/** Adds plugins to services, or takes them out, and says what has changed. */
export async function changeServices(asked: PluginChange, context: RunContext): Promise<Printed> {
  const { change } = asked;
  const { changePlugins, pluginNames } = await loadScaffold(change);
  const names = asked.names.map((name) => name.replace('@rondo/', ''));
  if (names.length === 0) throw new UsageError(`name the plugin: ${pluginNames.join(', ')}`);
  const { services, files } = await workOnTree(`${change} ${names.join(' ')}`, context, (on) =>
    changePlugins({ ...on, ...asked, names }),
  );
  const [done, have] = change === 'add' ? ['Added', 'have'] : ['Removed', "don't have"];
  const text =
    files.length === 0
      ? [`Nothing to do: the services ${have} ${names.join(', ')}.`]
      : [`${done} ${names.join(', ')}: ${services.join(', ')}`, ...files.map((file) => `  ${file}`)];
  return { json: { change, names, services, files }, text: lines(text) };
}
