import { expect } from '@jest/globals';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { eventually } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { ask, askGrpc, askJson, envelope } from '../../../e2e/src/front-door.js';
import { patientClock } from '../../../packages/rpc/test/support/patient-clock.js';
import { reflect } from '../../foreign/reflect.js';

/** What a gateway has to offer of a new service within this time of its registration. Milliseconds. */
const MAX_MS = 5_000;
/** Each way is asked again and again; so many rounds may be needed for the first answers and the last ones. */
const ROUNDS = 5;

/**
 * Waits for a service that is about to be made, and until the gateway answers its method by every protocol, and lists it by
 * reflection and in OpenAPI. The first answer of a new service says that the method isn't written yet.
 *
 * It prints and bounds the time from the registration to the last of these.
 *
 * @param options `route` is the path of `google.api.http` that the method has, if it has one.
 */
export async function timeArrival(
  { service, method, route }: { readonly service: string; readonly method: string; readonly route?: string },
  portBase: number,
): Promise<void> {
  const authority = `127.0.0.1:${portBase + 20}`;
  const gateway = `http://${authority}`;
  const path = `/${service}/${method}`;
  const registeredAt = await registration(service, `127.0.0.1:${portBase}`);
  const unwritten = "isn't written yet";
  const waysToAsk = {
    ...(route && { 'HTTP/JSON': async () => (await askJson(`${gateway}${route}`, {})).text }),
    Connect: async () => (await askJson(`${gateway}${path}`, {})).text,
    'gRPC-Web': async () => {
      const headers = { 'content-type': 'application/grpc-web+proto' };
      return (await ask(`${gateway}${path}`, { headers, body: envelope(Buffer.alloc(0)) })).text;
    },
    gRPC: async () => (await askGrpc(gateway, path, Buffer.alloc(0))).message,
    OpenAPI: async () => {
      const { paths } = JSON.parse((await ask(`${gateway}/openapi.json`)).text);
      return Object.hasOwn(paths, route ?? path) ? unwritten : '';
    },
    reflection: async () => {
      const { v1 } = await reflect(authority);
      return v1.some((one) => one.service === service && one.name === method) ? unwritten : '';
    },
  };
  const times = Object.entries(waysToAsk).map(async ([way, said]) => {
    await eventually(async () => expect(decodeURIComponent(await said())).toContain(unwritten));
    return `${way} ${Math.round(performance.now() - registeredAt)} ms`;
  });
  const all = await Promise.all(times);
  const tookMs = performance.now() - registeredAt;
  process.stdout.write(`${service} at the gateway after its registration: ${all.join(', ')}\n`);
  const askedAt = performance.now();
  await Promise.all(Object.values(waysToAsk).map((said) => said()));
  // The time that asking takes on this machine now is no delay of the gateway.
  const askingMs = performance.now() - askedAt;
  expect(tookMs).toBeLessThanOrEqual(MAX_MS + ROUNDS * askingMs);
}

/** When the registry first has an instance of the service. */
async function registration(service: string, registry: string): Promise<number> {
  const channel = createChannel({ resolver: staticResolver([registry]), clock: patientClock });
  try {
    for await (const { event } of createClient(RegistryServiceDefinition, { channel }).watch({ service })) {
      const instances = event?.$case === 'snapshot' ? event.value.instances : [];
      const upserts = event?.$case === 'delta' ? event.value.upserts : [];
      if (instances.length + upserts.length > 0) return performance.now();
    }
    throw new Error(`the watch of ${service} has ended`);
  } finally {
    channel.close();
  }
}
