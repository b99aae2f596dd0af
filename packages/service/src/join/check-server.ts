import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock, systemRandom } from '@rondo/rpc/clock';
import { type MutualTls, peerTransport } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import type { ServerCheck } from '../registration/server-check.js';

/** The server to check. */
interface CheckedServer {
  readonly address: string;
  readonly services: readonly string[];
  /** With it, the server must present the certificate of a process that may serve the services. */
  readonly mutualTls: MutualTls | undefined;
}

/** Asks a server for its health. A server without the health service is healthy if it answers that. */
export function serverCheck({ address, services, mutualTls }: CheckedServer): ServerCheck {
  const allowed = services.flatMap((service) => mutualTls?.servedBy(service) ?? []);
  const known = { clock: systemClock, random: systemRandom, mutualTls };
  const servers = allowed.length === 0 ? undefined : allowed;
  const channel = createChannel({
    resolver: staticResolver([address]),
    transport: (to, options) => peerTransport(to, { ...options, ...known, servers }),
  });
  const health = createClient(HealthDefinition, { channel });
  return async ({ signal }) => {
    try {
      const { status } = await health.check({}, { signal });
      if (status !== ServingStatus.SERVING) throw new Error(`it says that it is ${ServingStatus[status] ?? status}`);
    } catch (error) {
      if (!(error instanceof RpcError) || error.code !== Status.UNIMPLEMENTED) throw error;
    }
  };
}
