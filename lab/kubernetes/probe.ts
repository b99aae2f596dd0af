import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Probe } from './objects.js';

/** A message of gRPC: `HealthCheckResponse` with the status SERVING. */
const SERVING = Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01]);

/** Asks for the health over a connection of its own, as kubelet does, until the signal aborts. */
function probe({ grpc: { port, service = '' } }: Probe, address: string, signal: AbortSignal): Promise<boolean> {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const session = connect(`http://${address}:${port}`);
  const chunks: Buffer[] = [];
  const end = () => session.destroy();
  signal.addEventListener('abort', end, { once: true });
  return new Promise((resolve) => {
    session.on('error', end).on('close', () => {
      signal.removeEventListener('abort', end);
      resolve(Buffer.concat(chunks).equals(SERVING));
    });
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    const call = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', ...headers });
    call.on('data', (chunk) => chunks.push(chunk)).on('error', end);
    call.on('end', end).end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
  });
}

/** Probes again and again, and tells when the outcome has changed for long enough, until the signal aborts. */
export async function keepProbing(
  options: Probe,
  address: string,
  { signal, onResult }: { readonly signal: AbortSignal; readonly onResult: (passes: boolean) => void },
): Promise<void> {
  const { periodSeconds, timeoutSeconds, successThreshold, failureThreshold } = options;
  let [passed, failed] = [0, 0];
  while (!signal.aborted) {
    const passes = await probe(
      options,
      address,
      AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1_000)]),
    );
    if (signal.aborted) return;
    [passed, failed] = passes ? [passed + 1, 0] : [0, failed + 1];
    if (passed === successThreshold) onResult(true);
    if (failed === failureThreshold) onResult(false);
    await sleep(periodSeconds * 1_000, undefined, { signal }).catch(() => undefined);
  }
}
