import type { Endpoint, Resolution } from '../../src/resolver/resolver.js';

/** A serving instance with weight 100. Its address is `<instanceId>:1`. `fields` replaces defaults. */
export function endpoint(instanceId: string, fields: Partial<Endpoint> = {}): Endpoint {
  const defaults = { zone: '', state: 'serving', weight: 100, version: '', metadata: {}, incarnation: 0 } as const;
  return { instanceId, address: `${instanceId}:1`, ...defaults, ...fields };
}

/** A serving instance for each name. */
export function endpoints(...names: readonly string[]): readonly Endpoint[] {
  return names.map((name) => endpoint(name));
}

/** A resolution with a serving instance for each name. */
export function resolution(...names: readonly string[]): Resolution {
  return { endpoints: endpoints(...names), departed: [] };
}
