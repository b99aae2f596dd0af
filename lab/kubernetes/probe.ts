import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import type { Probe } from './objects.js';

const SERVING = Buffer.from([0x08, 0x01]);

/** Asks for the health over a connection of its own, as kubelet does. */
export function probe({ grpc: { port, service = '' }, timeoutSeconds }: Probe, address: string): Promise<boolean> {
  const client = new Client(`${address}:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const name = Buffer.from(service);
  const request = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const same = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    const deadline = Date.now() + timeoutSeconds * 1_000;
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, request, { deadline }, (error, reply) => {
      client.close();
      resolve(!error && reply?.equals(SERVING) === true);
    });
  });
}

/** Probes again and again, and tells when the outcome has changed for long enough, until the signal aborts. */
export async function keepProbing(
  options: Probe,
  address: string,
  { signal, told }: { readonly signal: AbortSignal; readonly told: (passes: boolean) => void },
): Promise<void> {
  const { periodSeconds, successThreshold, failureThreshold } = options;
  let [passed, failed] = [0, 0];
  while (!signal.aborted) {
    const passes = await probe(options, address);
    if (signal.aborted) return;
    [passed, failed] = passes ? [passed + 1, 0] : [0, failed + 1];
    if (passed === successThreshold) told(true);
    if (failed === failureThreshold) told(false);
    await sleep(periodSeconds * 1_000, undefined, { signal }).catch(() => undefined);
  }
}
