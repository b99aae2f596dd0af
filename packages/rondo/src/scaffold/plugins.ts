import { withChanges } from './change-set.js';
import { Refusal } from './errors.js';
import { packagesOf } from './packages.js';
import { removableServices } from './remove-service.js';
import { filesAt, readText } from './repository.js';
import { type PluginImport, withoutPlugin, withPlugin } from './update/wire-plugin.js';
import { backUpProducts, build, format, install, type Progress, type Workspace } from './workspace.js';
import { removeProject, withReferences } from './workspace-files/project-references.js';

/** The plugins that Rondo has, by the names of their packages without the scope, with what main.ts imports of each. */
const PLUGINS: Readonly<Record<string, PluginImport>> = {
  authentication: { module: '@rondo/authentication/tokens', value: 'tokens' },
  'cache-redis': { module: '@rondo/cache-redis', value: 'redis' },
  'registry-consul': { module: '@rondo/registry-consul', value: 'consul' },
  'registry-eureka': { module: '@rondo/registry-eureka', value: 'eureka' },
  'registry-kubernetes': { module: '@rondo/registry-kubernetes', value: 'kubernetes' },
  'registry-zookeeper': { module: '@rondo/registry-zookeeper', value: 'zookeeper' },
  telemetry: { module: '@rondo/telemetry', value: 'telemetry' },
  'topics-nats': { module: '@rondo/topics-nats', value: 'nats' },
};

/** The names of the plugins. */
export const pluginNames: readonly string[] = Object.keys(PLUGINS);

/** The options of `rondo add` and `rondo remove` of a plugin. */
export interface ChangePluginOptions extends Workspace {
  readonly change: 'add' | 'remove';
  /** `registry-consul` */
  readonly name: string;
  /** The services that change; by default all of the workspace. */
  readonly services: readonly string[] | undefined;
  readonly progress: Progress;
}

/** What `rondo add` or `rondo remove` of a plugin has done. */
export interface ChangedPlugin extends Pick<ChangePluginOptions, 'change' | 'name'> {
  /** The services that have changed. */
  readonly services: readonly string[];
  /** The changed files, as paths from the repository's root; none if there was nothing to do. */
  readonly files: readonly string[];
}

/** Adds a plugin to services, or takes it out of them. If it fails, the tree is unchanged. */
export async function changePlugin(options: ChangePluginOptions): Promise<ChangedPlugin> {
  const { root, change, name, progress } = options;
  const drawn = await progress.step('check', () => draw(options));
  const services = [...new Set(drawn.map(({ service }) => service))];
  const files = drawn.map(({ file }) => file);
  if (files.length === 0) return { change, name, services, files };
  return withChanges(root, async (changes) => {
    backUpProducts(changes);
    for (const { file, text } of drawn) changes.write(file, text);
    await progress.step('write', () => format(options, files));
    await progress.step('install', () => install(options));
    await progress.step('build', () => build(options));
    return { change, name, services, files };
  });
}

interface Drawn {
  readonly service: string;
  readonly file: string;
  readonly text: string;
}

/** The files that differ afterwards. */
function draw({ root, change, name, services }: ChangePluginOptions): readonly Drawn[] {
  const plugin = PLUGINS[name];
  if (plugin === undefined) {
    throw new Refusal(`there is no plugin "${name}"`, { remedy: `there are: ${pluginNames.join(', ')}` });
  }
  const known = removableServices(root);
  const unknown = services?.find((service) => !known.includes(service));
  if (unknown !== undefined) {
    throw new Refusal(`there is no service "${unknown}"`, { remedy: `there are: ${known.join(', ')}` });
  }
  const packages = packagesOf(root);
  const reference = packages.compiles(name) ? `{ "path": "../../plugins/${name}" }` : '';
  const edits: Readonly<Record<string, (text: string, file: string) => string>> =
    change === 'add'
      ? {
          'package.json': (text) => withDependency(text, `@rondo/${name}`, packages.versionOf(name)),
          'tsconfig.json': (text) => withReferences(text, reference),
          'src/main.ts': (text, file) => withPlugin(file, text, plugin),
        }
      : {
          'package.json': (text) => withDependency(text, `@rondo/${name}`, undefined),
          'tsconfig.json': (text) => removeProject(text, `../../plugins/${name}`),
          'src/main.ts': (text, file) => withoutPlugin(file, text, plugin),
        };
  return (services ?? known).flatMap((service) =>
    Object.entries(edits).flatMap(([base, edit]) => {
      const file = `services/${service}/${base}`;
      if (filesAt(root, file).length === 0)
        throw new Refusal('is missing', { place: { file }, remedy: 'write it first' });
      const before = readText(root, file);
      const text = edit(before, file);
      return text === before ? [] : [{ service, file, text }];
    }),
  );
}

/** The text of a package.json with a dependency at a version, or without it. */
function withDependency(text: string, name: string, version: string | undefined): string {
  const manifest = JSON.parse(text);
  const { [name]: had, ...others } = manifest.dependencies ?? {};
  if ((had === undefined) === (version === undefined)) return text;
  const all = Object.entries({ ...others, ...(version !== undefined && { [name]: version }) });
  const dependencies = Object.fromEntries(all.sort(([one], [other]) => (one < other ? -1 : 1)));
  return `${JSON.stringify({ ...manifest, dependencies }, undefined, 2)}\n`;
}
