import { createNoopMeter, type Meter } from '@opentelemetry/api';
import type { HostPort } from '../config/parser.js';

/** Where a process's measurements go. */
export interface Metrics {
  readonly meter: Meter;
  /** Where they can be read, as `host:port`; undefined where they aren't kept. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

/**
 * Keeps metrics and serves them at `listen`; without it they cost nothing.
 *
 * @throws StartupError where nothing can listen there.
 */
export async function startMetrics(listen: HostPort | undefined): Promise<Metrics> {
  if (listen === undefined) return { meter: createNoopMeter(), address: undefined, close: async () => undefined };
  // To load what keeps them takes a good part of a process's start.
  const { keepMetrics } = await import('./keep.js');
  return await keepMetrics(listen);
}
