import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock, systemWallClock } from '@rondo/rpc/clock';
import { openMutualTls, readTlsSettings } from '@rondo/rpc/internal';

/**
 * Health check of a container. It exits with 0 if the service in this container is `SERVING`, else with 1. The service listens at
 * `RONDO_LISTEN`, which the container has to set.
 */
const TIMEOUT_MS = 2_000;
/** What a service that listens at all addresses of its container has as its host. */
const ANY_HOST = /^(?:0\.0\.0\.0|\[::\])(?=:)/;
const { RONDO_LISTEN: listen = '' } = process.env;
const address = listen.replace(ANY_HOST, '127.0.0.1');
const tls = readTlsSettings(process.env);
const clocks = { clock: systemClock, wallClock: systemWallClock };
const mutualTls = openMutualTls(tls, { usage: 'client', descriptorSet: undefined, ...clocks });
const channel = createChannel({ resolver: staticResolver([address]), mutualTls });
try {
  const { status } = await createClient(HealthDefinition, { channel }).check({}, { timeoutMs: TIMEOUT_MS });
  process.stdout.write(`${ServingStatus[status]}\n`);
  process.exitCode = status === ServingStatus.SERVING ? 0 : 1;
} catch (error) {
  process.stdout.write(`${error}\n`);
  process.exitCode = 1;
} finally {
  channel.close();
}
