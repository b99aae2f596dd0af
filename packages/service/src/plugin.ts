import type { AskedPlugin } from '@rondo/rpc/internal';
import type { SharedConfig } from './config/shared.js';
import { ConfigurationError } from './config/variables.js';

/**
 * A plugin: something that an app adds to its process, such as a kind of registry. The app passes it to `runService`, and a variable
 * picks it. The package that uses it owns the rest of its interface.
 */
export interface Plugin {
  /** What it is: `registry`, `broker`, `cache`, `exporter`, `policies` or `tokens`. */
  readonly kind: string;
  /** The npm package that it comes from, such as `@rondo/registry-consul`. */
  readonly package: string;
  /** The schemes of the URLs that it opens, such as `consul`; none if its kind alone picks it. */
  readonly schemes?: readonly string[];
}

/** Why a process needs a plugin. */
export interface PluginNeed<P extends Plugin> {
  /** Whether a plugin is of the kind that is needed. */
  readonly is: (plugin: Plugin) => plugin is P;
  /** The variable that needs it: `RONDO_REGISTRY`. */
  readonly variable: string;
  /** The value of the variable, if its scheme picks the plugin. Messages have the scheme alone. */
  readonly url?: string;
  /** The package to add if the plugin is missing; by default that of Rondo for the scheme. */
  readonly package?: string;
}

/** The plugins of Rondo, by the schemes of their URLs. */
const PACKAGES: Readonly<Record<string, string>> = {
  consul: '@rondo/registry-consul',
  eureka: '@rondo/registry-eureka',
  kubernetes: '@rondo/registry-kubernetes',
  zookeeper: '@rondo/registry-zookeeper',
  nats: '@rondo/topics-nats',
  redis: '@rondo/cache-redis',
  rediss: '@rondo/cache-redis',
};

/**
 * Picks the plugin that a variable needs.
 *
 * @throws ConfigurationError that names the plugin's package and the command that adds it, if the app doesn't pass it.
 */
export function pickPlugin<P extends Plugin>(plugins: readonly Plugin[], need: PluginNeed<P>): P {
  const found = findPlugin(plugins, need);
  if (found !== undefined) return found;
  const { name, text } = missing(need);
  const command = `run \`rondo add ${name?.replace('@rondo/', '')}\`, which adds it to the dependencies and to`;
  throw new ConfigurationError([`${text}: ${name === undefined ? 'add it to' : command} runService's plugins`]);
}

/** The plugin of a kind that parts of an app open. @throws ConfigurationError as {@link pickPlugin}. */
export function askedPlugin(
  kind: string,
  { topics: url }: Pick<SharedConfig, 'topics'>,
  plugins: readonly Plugin[],
): AskedPlugin | undefined {
  if (kind !== 'broker' || url === undefined) return undefined;
  const is = (one: Plugin): one is Plugin => one.kind === kind;
  return { plugin: pickPlugin(plugins, { is, variable: 'RONDO_TOPICS', url }), url };
}

/** The plugin that a variable needs; undefined if it isn't among `plugins`. */
export function findPlugin<P extends Plugin>(plugins: readonly Plugin[], { is, url }: PluginNeed<P>): P | undefined {
  return plugins.filter(is).find(({ schemes }) => url === undefined || schemes?.includes(schemeOf(url)));
}

/** Names a plugin that isn't passed: `RONDO_REGISTRY: consul://… needs the plugin @rondo/registry-consul`. */
export function missing({ variable, url, package: own }: Omit<PluginNeed<Plugin>, 'is'>) {
  const scheme = url && schemeOf(url);
  const name = own ?? (scheme && PACKAGES[scheme]);
  const what = name === undefined ? 'a plugin that opens it' : `the plugin ${name}`;
  // An unknown scheme may be part of a password.
  return { name, text: `${variable}: ${scheme && name ? `${scheme}://… ` : ''}needs ${what}` };
}

const schemeOf = (url: string): string => url.slice(0, url.indexOf(':'));
