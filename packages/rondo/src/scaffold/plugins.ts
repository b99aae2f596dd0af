import type { PluginName } from 'create-rondo';
import { Refusal } from './errors.js';
import { make } from './make.js';
import { packagesOf, type WorkspacePackages } from './packages.js';
import { removableServices } from './remove-service.js';
import { filesAt, readText } from './repository.js';
import type { Tree } from './tree.js';
import { removeProject, withReferences } from './workspace-files/project-references.js';

interface KnownPlugin extends PluginImport {
  /** What is in the compose file or the manifests of an app that uses it. */
  readonly sign: RegExp;
}

/** The plugins that Rondo has, by the names of their packages without the scope, with what main.ts imports of each. */
const IMPORTS: Readonly<Record<PluginName, KnownPlugin>> = {
  authentication: { module: '@rondo/authentication/tokens', value: 'tokens', sign: /RONDO_AUTH_ISSUER|RONDO_API_KEYS/ },
  balancing: {
    module: '@rondo/balancing',
    value: 'balancing',
    sign: /RING_HASH|ring_hash|ZONE_AWARE|zone_aware|subset(?:_size ?[:=]|=)|RONDO_(?:BREAKER|BULKHEAD)\b|\)\.(?:hedge|breaker|bulkhead)\b|\b(?:hedge|breaker|bulkhead):? ?\{/,
  },
  'cache-redis': { module: '@rondo/cache-redis', value: 'redis', sign: /RONDO_CACHE\b(?!_)/ },
  'registry-consul': { module: '@rondo/registry-consul', value: 'consul', sign: /consul:\/\// },
  'registry-eureka': { module: '@rondo/registry-eureka', value: 'eureka', sign: /eureka:\/\// },
  'registry-kubernetes': { module: '@rondo/registry-kubernetes', value: 'kubernetes', sign: /kubernetes:\/\// },
  'registry-zookeeper': { module: '@rondo/registry-zookeeper', value: 'zookeeper', sign: /zookeeper:\/\// },
  telemetry: { module: '@rondo/telemetry', value: 'telemetry', sign: /OTEL_\w+/ },
  'topics-nats': { module: '@rondo/topics-nats', value: 'nats', sign: /nats:\/\// },
};

const pluginOf = (name: string) => new Map<string, KnownPlugin>(Object.entries(IMPORTS)).get(name);

export const pluginNames: readonly string[] = Object.keys(IMPORTS);

/** The plugins that the compose file, `.env`, the infrastructure and the contracts of an app use, as every service had them in version 0.2. */
export function pluginsInUse(root: string, changed: Readonly<Record<string, string | null>> = {}): readonly string[] {
  const texts = ['docker-compose.yml', '.env', 'infra', 'proto']
    .flatMap((at) => filesAt(root, at))
    .map((file) => changed[file] ?? readText(root, file));
  return pluginNames.filter((name) => texts.some((text) => pluginOf(name)?.sign.test(text)));
}

export interface PluginChange {
  readonly change: 'add' | 'remove';
  /** `registry-consul` */
  readonly names: readonly string[];
  /** The services that change; none: all of the workspace. */
  readonly services?: readonly string[] | undefined;
}

/**
 * Adds plugins to services, or takes them out.
 *
 * @returns what has changed: nothing if there was nothing to do; and what belongs into files that were left alone.
 */
export async function changePlugins(options: PluginChange & Tree) {
  const { root, progress } = options;
  const drawn = await progress.step('check', () => drawPlugins(root, options));
  const files = [...drawn.keys()];
  const services = [...new Set(files.map((file) => file.split('/')[1] ?? ''))];
  if (files.length === 0) return { services, files, paste: [] };
  return { services, ...(await make(options, services, drawn)) };
}

/** The files that differ after a change, with their texts. @throws Refusal for what isn't possible. */
export function drawPlugins(root: string, { change, names, services = [] }: PluginChange): ReadonlyMap<string, string> {
  const known = removableServices(root);
  refuseUnknown('plugin', names, pluginNames);
  refuseUnknown('service', services, known);
  const edits = names.flatMap((name) => editsOf(change, name, packagesOf(root)));
  const drawn = new Map<string, string>();
  for (const service of services.length === 0 ? known : services) {
    for (const [base, edit] of edits) {
      const file = `services/${service}/${base}`;
      if (filesAt(root, file).length === 0)
        throw new Refusal('is missing', { place: { file }, remedy: 'write it first' });
      drawn.set(file, edit(drawn.get(file) ?? readText(root, file), file));
    }
  }
  return new Map([...drawn].filter(([file, text]) => text !== readText(root, file)));
}

function refuseUnknown(kind: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new Refusal(`there is no ${kind} "${unknown}"`, { remedy: `there are: ${known.join(', ')}` });
}

type Edit = readonly [file: string, edit: (text: string, file: string) => string];

/** How the files of a service change. */
function editsOf(change: PluginChange['change'], name: string, packages: WorkspacePackages): readonly Edit[] {
  const { module = '', value = '' } = pluginOf(name) ?? {};
  const [dependency, folder] = [`@rondo/${name}`, `../../plugins/${name}`];
  const isAdded = change === 'add';
  const reference = packages.compiles(name) ? `{ "path": "${folder}" }` : '';
  return [
    ['package.json', (text) => withDependency(text, dependency, isAdded ? packages.versionOf(name) : undefined)],
    ['tsconfig.json', (text) => (isAdded ? withReferences(text, reference) : removeProject(text, folder))],
    ['src/main.ts', (text, file) => withPlugin(file, text, { module, value, change })],
  ];
}

/** The text of a package.json with a dependency at a version, or without it. The others keep their order. */
function withDependency(text: string, name: string, version: string | undefined): string {
  const manifest = JSON.parse(text);
  const { [name]: had, ...others } = manifest.dependencies ?? {};
  if ((had === undefined) === (version === undefined)) return text;
  const all = Object.entries(others);
  const after = all.findIndex(([other]) => other > name);
  if (version !== undefined) all.splice(after < 0 ? all.length : after, 0, [name, version]);
  return `${JSON.stringify({ ...manifest, dependencies: Object.fromEntries(all) }, undefined, 2)}\n`;
}

/** What an app imports of a plugin: `import { consul } from '@rondo/registry-consul'`. */
interface PluginImport {
  readonly module: string;
  readonly value: string;
}

/** The call that `rondo new service` writes into main.ts. */
const CALL = /(?<=^await runService\(\{)[\s\S]*?(?=,?\s*\}\);$)/m;
/** Its list of plugins, there or in a constant. */
const LISTS = [/(?<=^const plugins = \[)[\w,\s]*(?=\];$)/m, /(?<=\bplugins: \[)[\w,\s]*(?=\]\s*[,}])/];

/**
 * The text of a main.ts that passes a plugin to `runService`, or does so no more; the same text if that is so already.
 *
 * @throws Refusal with what to write, if it has another form than a service is made with.
 */
export function withPlugin(
  file: string,
  text: string,
  { module, value, change = 'add' }: PluginImport & Partial<Pick<PluginChange, 'change'>>,
): string {
  const isAdded = change === 'add';
  if (text.includes(`'${module}'`) === isAdded) return text;
  const line = `import { ${value} } from '${module}';\n`;
  const before = isAdded ? line + text : text.replace(line, '');
  const [call = 'plugins'] = CALL.exec(before) ?? [];
  const list = LISTS.find((one) => /\bplugins\b/.test(call) && one.test(before));
  if (list === undefined && /\bplugins\b/.test(call)) {
    const what = isAdded ? `add ${line.trim()} and ${value} to` : `take ${value} and its import out of`;
    const remedy = `${what} the plugins of runService by hand, and change package.json`;
    throw new Refusal('calls runService in a form of its own', { place: { file }, remedy });
  }
  const others = (list?.exec(before)?.[0].match(/\w+/g) ?? []).filter((one) => one !== value);
  const plugins = [...others, ...(isAdded ? [value] : [])].join(', ');
  if (list === undefined) return before.replace(CALL, `$&, plugins: [${plugins}]`);
  return before.replace(list, plugins).replace(/, plugins: \[\]/, '');
}
