import type { Resolver } from '@rondo/rpc/client';
import type { RegistryAdapter } from './adapter.js';
import { type AdapterResolverOptions, adapterResolver } from './resolver.js';

/** A kind of registry that an app passes to its process: `runService({ …, plugins: [consul] })`. `RONDO_REGISTRY` picks it. */
export interface RegistryPlugin {
  readonly kind: 'registry';
  /** The npm package that it comes from. */
  readonly package: string;
  /** The schemes of the URLs that it opens. */
  readonly schemes: readonly string[];
  /** Loads its code: a process that passes the plugin and doesn't use it loads none. */
  load(): Promise<OpenRegistry>;
}

/** Opens the registry at a URL, which connects in the background. @throws TypeError if the URL is wrong. */
export type OpenRegistry = (url: string, options: RegistryOptions) => OpenedRegistry;

/** What a registry of another kind is opened with. */
export interface RegistryOptions extends AdapterResolverOptions {
  /** How long the entry of a process stays once it is silent. Milliseconds. */
  readonly ttlMs: number;
  /** The `region/zone` of this process; by default none. */
  readonly zone?: string | undefined;
}

/** A registry of another kind, as a process uses it. */
export interface OpenedRegistry {
  readonly resolver: Resolver;
  /** Registers and lists instances; undefined if the registry lists processes by itself, as Kubernetes does. */
  readonly adapter?: RegistryAdapter;
}

/** A registry by its adapter. */
export function openedBy(adapter: RegistryAdapter, options: AdapterResolverOptions): OpenedRegistry {
  return { resolver: adapterResolver(adapter, options), adapter };
}
