import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import {
  type AppListener,
  cannotBind,
  type Phase,
  type RunningService,
  StartupError,
  startService,
} from '../src/exports/index.js';
import { createFakeRegistry } from './fake-registry.js';
import { recordingLogger } from './recording-logger.js';

const running: RunningService[] = [];
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.drain()));
  for (const server of servers.splice(0)) server.close();
});

/** A listener at a port of 127.0.0.1. It records what happens to it. */
function listenerAt(port: number, steps: string[] = []): AppListener & { readonly steps: readonly string[] } {
  const server = createServer();
  return {
    steps,
    async listen() {
      steps.push('listen');
      try {
        server.listen(port, '127.0.0.1');
        await once(server, 'listening');
      } catch (cause) {
        throw cannotBind({ what: 'listen on', at: { host: '127.0.0.1', port }, variable: 'PUBLIC_LISTEN', cause });
      }
      return { address: `127.0.0.1:${portOf(server)}` };
    },
    async drain(graceMs) {
      steps.push(`drain ${graceMs}`);
      server.close();
    },
  };
}

function portOf(server: Server): number {
  const { port } = server.address() as AddressInfo;
  return port;
}

async function start(listeners: readonly AppListener[], registry = '127.0.0.1:1') {
  const { log, lines } = recordingLogger();
  const phases: Phase[] = [];
  const service = await startService({
    name: 'front',
    port: 0,
    environment: { RONDO_REGISTRY: registry, RONDO_DRAIN_WAIT_MS: '0', RONDO_DRAIN_GRACE_MS: '200' },
    log,
    createApp: ({ readiness }) => {
      phases.push(readiness.current.phase);
      readiness.subscribe(({ phase }) => phases.push(phase));
      return { services: [implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) })], listeners };
    },
  });
  running.push(service);
  return { service, lines, phases };
}

/** Whether a server listens at `address`. */
async function answers(address: string): Promise<boolean> {
  const channel = createChannel({ resolver: staticResolver([address]) });
  try {
    await createClient(AdderServiceDefinition, { channel }).add({ a: 1n });
    return true;
  } catch {
    return false;
  } finally {
    channel.close();
  }
}

it('a listener starts after the gRPC server and before the registration, and drains with the same grace', async () => {
  const { fake, services } = createFakeRegistry();
  const registry = await startService({
    name: 'registry',
    port: 0,
    register: false,
    environment: { RONDO_LISTEN: '127.0.0.1:0' },
    log: recordingLogger().log,
    createApp: () => ({ services }),
  });
  running.push(registry);
  const listener = listenerAt(0);
  let registeredBefore = -1;
  const slow: AppListener = {
    ...listener,
    async listen() {
      const bound = await listener.listen();
      // A registration that had begun would arrive meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 100));
      registeredBefore = fake.registered.length;
      return bound;
    },
  };
  const { service, lines } = await start([slow], registry.address);
  expect(registeredBefore).toBe(0);
  expect(service.listenerAddresses).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
  const said = lines.filter((line) => line.includes('listening on'));
  expect(said).toEqual([
    expect.stringContaining(`listening on ${service.address}`),
    expect.stringContaining(`also listening on ${service.listenerAddresses[0]}`),
  ]);
  await service.drain();
  expect(listener.steps).toEqual(['listen', 'drain 200']);
});

it('a listener that can not bind ends the start, names its variable, and everything else is closed', async () => {
  const taken = createServer();
  servers.push(taken);
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const [first, second] = [listenerAt(0), listenerAt(portOf(taken))];
  let lines: readonly string[] = [];
  const { log, lines: logged } = recordingLogger();
  lines = logged;
  const starting = startService({
    name: 'front',
    port: 0,
    environment: { RONDO_REGISTRY: '127.0.0.1:1' },
    log,
    createApp: () => ({
      services: [implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) })],
      listeners: [first, second],
    }),
  });
  const error = await starting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartupError);
  expect(String(error)).toContain('the port is in use; stop what holds it, or set PUBLIC_LISTEN to another address');
  expect(first.steps).toEqual(['listen', 'drain 0']);
  expect(second.steps).toEqual(['listen']);
  const address = /listening on (\S+)/.exec(lines.join('\n'))?.[1] ?? '';
  expect(await answers(address)).toBe(false);
});

it('the app sees the readiness of its process: starting, serving, draining', async () => {
  const { service, phases } = await start([]);
  expect(await answers(service.address)).toBe(true);
  await service.drain();
  expect([...new Set(phases)]).toEqual(['starting', 'serving', 'draining']);
});
