import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Channel, type Client, createClient } from '../../src/exports/client.js';
import { type Handlers, implement, type ServiceImplementation } from '../../src/exports/server.js';
import { createTestChannel } from '../../src/exports/testing.js';
import type { RouterOptions } from '../../src/server/router.js';
import { conformance, type ServedDefinition, servedDefinition } from '../conformance/handlers.js';

export type ConformanceClient = Client<typeof ConformanceServiceDefinition>;

/** The conformance service with some of its handlers replaced. */
export function conformanceService(handlers: Partial<Handlers<ServedDefinition>> = {}): ServiceImplementation {
  return implement(servedDefinition, { ...conformance, ...handlers });
}

/** A client of the conformance service over the memory transport, and its channel. */
export function connect(
  handlers: Partial<Handlers<ServedDefinition>> = {},
  options: Omit<RouterOptions, 'services'> = {},
): { client: ConformanceClient; channel: Channel } {
  const channel = createTestChannel({ services: [conformanceService(handlers)], ...options });
  return { client: createClient(ConformanceServiceDefinition, { channel }), channel };
}
