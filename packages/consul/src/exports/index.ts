/**
 * Consul as the registry of Rondo services: `RONDO_REGISTRY=consul://127.0.0.1:8500`.
 *
 * @packageDocumentation
 */

export { consulRegistry } from '../registry.js';
