import type { Resolver } from '@rondo/rpc/client';
import { formatHostPort } from '../config/parsers.js';
import type { SharedConfig } from '../config/shared.js';
import { ConfigurationError } from '../config/variables.js';
import type { ServiceRuntime } from './service.js';

/** The addresses of Rondo's registry; none if instances are found by a registry of another kind. */
export function registriesOf({ registry }: Pick<SharedConfig, 'registry'>): readonly string[] {
  return registry instanceof URL ? [] : registry.map(formatHostPort);
}

/**
 * The resolver of a registry of another kind; undefined for Rondo's own.
 *
 * @throws ConfigurationError if its URL is wrong.
 */
export async function otherResolver(runtime: ServiceRuntime): Promise<Resolver | undefined> {
  const { config, clock, random, log } = runtime;
  const { registry, zone, tls } = config;
  if (!(registry instanceof URL)) return undefined;
  // Loaded on demand: most processes run without it.
  const { kubernetesResolver } = await import('@rondo/kubernetes');
  try {
    return kubernetesResolver(registry.href, { zone, secure: tls !== 'off', clock, random, logger: log });
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigurationError([`RONDO_REGISTRY: ${error.message}`]);
    throw error;
  }
}
