/**
 * Sends the spans and metrics of a service to a collector by OTLP, if a variable of OpenTelemetry asks for it:
 *
 * ```ts
 * import { runService } from '@rondo/service';
 * import { telemetry } from '@rondo/telemetry';
 *
 * const createApp = () => ({ services: [] });
 * await runService({ name: 'adder', port: 50059, plugins: [telemetry], createApp });
 * ```
 */

import type { Exporter } from '@rondo/service';

/** The plugin for `runService`. What it needs is loaded if a variable asks for it. */
export const telemetry: Exporter = {
  kind: 'exporter',
  package: '@rondo/telemetry',
  openSpans: async (options) => (await import('../spans.js')).openSpans(options),
  openMetrics: async (options) => (await import('../metrics.js')).openMetrics(options),
};
