// Rondo as a process calls with fixed addresses: `createChannel` with its defaults. The contract gives unary calls a deadline.

import { metrics } from '@opentelemetry/api';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { callLog, callMetrics } from '@rondo/rpc/internal';
import { createRouter } from '@rondo/rpc/server';
import { createMemoryNetwork } from '@rondo/rpc/testing';
import pino from 'pino';
import { callsOf } from '../iterables.mjs';
import { conformance } from './service.mjs';

/** @param variant the transport: `grpc`, `frames`, or `memory` for a server in this process. */
export function connect(addresses, variant) {
  const resolver = staticResolver(addresses, { frames: variant === 'frames' });
  const channel = variant === 'memory' ? memoryChannel() : createChannel({ resolver });
  return callsOf(createClient(ConformanceServiceDefinition, { channel }));
}

function memoryChannel() {
  const network = createMemoryNetwork();
  const clock = systemClock;
  const router = createRouter({
    services: [conformance],
    instanceId: 'peers',
    logger: pino(pino.destination('/dev/null')),
    middleware: [callLog({ clock }), callMetrics('server', { meter: metrics.getMeter('peers'), clock })],
  });
  network.listen('memory', router);
  return createChannel({ resolver: staticResolver(['memory']), transport: network.transport });
}
