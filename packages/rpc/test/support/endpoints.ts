import type { Endpoint, Resolution } from '../../src/resolver/index.js';

/** Instances at addresses of their own names. */
export function endpoints(...names: readonly string[]): readonly Endpoint[] {
  return names.map((instanceId) => ({ instanceId, address: `${instanceId}:1`, zone: '', standing: 'serving' }));
}

export function resolution(...names: readonly string[]): Resolution {
  return { endpoints: endpoints(...names), departed: [] };
}
