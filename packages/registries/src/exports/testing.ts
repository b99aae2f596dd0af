/**
 * The tests of an adapter to a registry of another kind, for any runner of tests:
 *
 * ```ts
 * import { type ConformanceRegistry, registryConformance } from '@rondo/registries/testing';
 *
 * declare function startRegistry(): Promise<ConformanceRegistry>;
 * for (const { run } of registryConformance) await run(await startRegistry());
 * ```
 *
 * @packageDocumentation
 */

export { type ConformanceRegistry, registryConformance } from '../testing/conformance.js';
