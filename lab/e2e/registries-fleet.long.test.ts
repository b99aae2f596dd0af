/** Registries of other kinds, real ones: the gateway and the tool over them, and a fleet of 1,000 instances and 100 clients. */
import { once, setMaxListeners } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Instance, InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { eventually, root, runNode, startService } from '@rondo/harness';
import type { RegistryAdapter } from '@rondo/registries';
import { type ForeignRegistry, foreignKinds } from './src/foreign-registry.js';

const SERVICE = 'shop.v1.CartService';
const INSTANCES = 1_000;
const CLIENTS = 100;

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

for (const { name, missing, start } of foreignKinds) {
  (missing === undefined ? describe : describe.skip)(`${name} ${missing ?? ''}`, () => {
    const begin = async (): Promise<ForeignRegistry> => {
      const registry = await start();
      closings.push(() => registry.stop());
      return registry;
    };

    it('has the gateway serve and the tool list, pick, examine and refuse', async () => {
      const { url } = await begin();
      const run = async (service: string, env: Record<string, string>) => {
        const running = await startService(service, { instanceId: `${service}-a`, registry: url, env });
        closings.push(() => running.stop());
        return running;
      };
      await run('calculator', {});
      const gateway = await run('gateway', { RONDO_GATEWAY_LISTEN: '127.0.0.1:0' });
      const [, front = ''] = await gateway.printed(/also listening on (127\.0\.0\.1:\d+)/);
      await eventually(async () => {
        const answer = await fetch(`http://${front}/v1/calculator:add?a=2&b=3`);
        expect(await answer.json()).toEqual({ result: 5 });
      });
      const rondo = (...args: readonly string[]) =>
        runNode([join(root, 'scripts/rondo.mjs'), ...args], { env: { RONDO_REGISTRY: url } });
      expect((await rondo('ps')).stdout).toMatch(/^calculator-a .*SERVING .*calculator\.v1\.CalculatorService/m);
      expect((await rondo('pick', 'CalculatorService', '--count', '1')).stdout).toMatch(/^calculator-a 127/);
      expect((await rondo('doctor')).stdout).toMatch(/2 of 2 are SERVING/);
      expect((await rondo('drain', 'calculator-a', '--force')).stderr).toMatch(
        /lists instances, and has no SetOperator/,
      );
    });

    it('tells 100 clients of a change among 1,000 instances', async () => {
      const registry = await begin();
      const path = await countingPath(registry.address);
      closings.push(path.close);
      const writer = open(registry, registry.address);
      const write = (id: number) => writer.write(instance(id), { ttlMs: 600_000, signal: AbortSignal.timeout(60_000) });
      for (let from = 0; from < INSTANCES; from += 20) {
        await Promise.all(Array.from({ length: 20 }, (_, offset) => write(from + offset)));
      }
      const ending = new AbortController();
      setMaxListeners(CLIENTS, ending.signal);
      closings.push(async () => ending.abort());
      const lengths = Array.from({ length: CLIENTS }, () => 0);
      const follow = async (client: number) => {
        const adapter = open(registry, path.address);
        while (!ending.signal.aborted) {
          try {
            for await (const listed of adapter.watch(SERVICE, ending.signal))
              if (listed) lengths[client] = listed.length;
          } catch {
            await sleep(1_000); // as a client waits before it asks again
          }
        }
      };
      for (const client of lengths.keys()) void follow(client);
      const allSee = (length: number) => eventually(() => expect(lengths.filter((one) => one !== length)).toEqual([]));
      await allSee(INSTANCES);
      const [began, before] = [performance.now(), path.bytes()];
      await write(INSTANCES);
      await allSee(INSTANCES + 1);
      const tookMs = Math.round(performance.now() - began);
      process.stdout.write(
        `${name}: the first lists took ${before} bytes; a change reaches the last of ${CLIENTS} clients after ${tookMs} ms and ${path.bytes() - before} bytes\n`,
      );
    });
  });
}

function open(registry: ForeignRegistry, address: string): RegistryAdapter {
  const adapter = registry.openAt(address);
  closings.push(() => adapter.close());
  return adapter;
}

const instance = (id: number): Instance =>
  Instance.fromPartial({
    ...{ instanceId: `cart-${id}`, incarnation: BigInt(id), services: [SERVICE], zone: 'eu/a', version: '1.2.3' },
    endpoints: [{ address: `10.1.${id >> 8}.${id & 255}:50051`, security: 1 }],
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
  });

/** A path to a server that counts the bytes in both directions. */
async function countingPath(target: string) {
  const [host = '', port = ''] = target.split(':');
  const open = new Set<Socket>();
  let bytes = 0;
  const pass = (from: Socket, to: Socket) => {
    open.add(from);
    from.on('data', (chunk) => {
      bytes += chunk.length;
    });
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
    from.pipe(to);
  };
  const server = createServer((caller) => {
    const called = connect(Number(port), host);
    pass(caller, called);
    pass(called, caller);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: () => bytes,
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
