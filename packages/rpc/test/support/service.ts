import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type CallOptions, type Channel, type Client, createClient } from '../../src/exports/client.js';
import { type Handlers, implement, type ServiceImplementation } from '../../src/exports/server.js';
import { createTestChannel } from '../../src/exports/testing.js';
import type { RouterOptions } from '../../src/server/router.js';
import { conformance, type ServedDefinition, servedDefinition } from '../conformance/handlers.js';
import { collect, streamOf } from './stream.js';

export type ConformanceClient = Client<typeof ConformanceServiceDefinition>;

/** The conformance service with some of its handlers replaced. */
export function conformanceService(handlers: Partial<Handlers<ServedDefinition>> = {}): ServiceImplementation {
  return implement(servedDefinition, { ...conformance, ...handlers });
}

/** A call of each kind of method, with an empty request or none. The replies of a stream are collected. */
export const callsOf = (client: ConformanceClient) => ({
  unary: (options?: CallOptions): Promise<unknown> => client.unary({}, options),
  clientStream: (options?: CallOptions): Promise<unknown> => client.clientStream(streamOf(), options),
  serverStream: (options?: CallOptions): Promise<unknown> => collect(client.serverStream({}, options)),
  bidiStream: (options?: CallOptions): Promise<unknown> => collect(client.bidiStream(streamOf(), options)),
});

/** A client of the conformance service over the memory transport, and its channel. */
export function connect(
  handlers: Partial<Handlers<ServedDefinition>> = {},
  options: Omit<RouterOptions, 'services'> = {},
): { client: ConformanceClient; channel: Channel } {
  const channel = createTestChannel({ services: [conformanceService(handlers)], ...options });
  return { client: createClient(ConformanceServiceDefinition, { channel }), channel };
}
