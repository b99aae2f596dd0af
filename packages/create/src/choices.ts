import { readdirSync, statSync } from 'node:fs';

/** The programs that may run the scripts of an app. */
export const PACKAGE_MANAGERS = ['npm', 'pnpm'] as const;

/** One of {@link PACKAGE_MANAGERS}. */
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

/** The plugins of Rondo, by the names of their packages without the scope, with what each is for. */
export const PLUGINS = {
  authentication: 'tokens and API keys of callers',
  balancing: 'ring hash, zones, subsets, hedges, breakers and bulkheads',
  'cache-redis': 'replicas share kept answers in Redis',
  'registry-consul': 'services are registered in Consul',
  'registry-eureka': 'services are registered in Eureka',
  'registry-kubernetes': 'services find each other on Kubernetes',
  'registry-zookeeper': 'services are registered in ZooKeeper',
  telemetry: 'traces and metrics are sent to a collector by OTLP',
  'topics-nats': 'NATS carries events',
} as const;

/** One of {@link PLUGINS}. */
export type PluginName = keyof typeof PLUGINS;

/** Whether a text is the name of a plugin. */
export const isPlugin = (name: string): name is PluginName => Object.hasOwn(PLUGINS, name);

/** What is made. */
export interface Arguments {
  /** An absolute path. */
  readonly folder: string;
  /** The name of the root's package, and the scope of the app's other packages. */
  readonly name: string;
  readonly withDatabase: boolean;
  readonly withSamples: boolean;
  /** What the first service passes, and the samples. */
  readonly plugins: readonly PluginName[];
  /** The program whose commands README.md has. */
  readonly packageManager: PackageManager;
}

/** What the command line says. */
export type Given = Partial<Arguments>;

/** What is wrong with the folder of an app; undefined if it is good. */
export function faultOfFolder(folder: string): string | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return `${folder} is a file: name another folder`;
  return readdirSync(folder).length > 0 ? `${folder} is not empty: name another folder` : undefined;
}

/** What is wrong with the name of an app; undefined if it is good. */
export function faultOfName(name: string): string | undefined {
  if (name === 'rondo') return 'the name "rondo" is that of the packages which an app installs';
  if (/^[a-z][a-z0-9-]{0,49}$/.test(name)) return undefined;
  return `the name "${name}" must begin with a letter and have only a-z, 0-9 and -, 50 characters at most`;
}
