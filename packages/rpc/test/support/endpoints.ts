import type { Endpoint, Resolution } from '../../src/resolver/index.js';

/** An instance at the address of its own name, with what is known of it beside. */
export function endpoint(instanceId: string, known: Partial<Endpoint> = {}): Endpoint {
  const plain = { zone: '', standing: 'serving', weight: 100, version: '', metadata: {}, incarnation: 0 } as const;
  return { instanceId, address: `${instanceId}:1`, ...plain, ...known };
}

/** Instances at addresses of their own names. */
export function endpoints(...names: readonly string[]): readonly Endpoint[] {
  return names.map((name) => endpoint(name));
}

export function resolution(...names: readonly string[]): Resolution {
  return { endpoints: endpoints(...names), departed: [] };
}
