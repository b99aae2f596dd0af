/** Registries of other kinds, real ones: the gateway and the tool over them, and a fleet of 1,000 instances and 100 clients. */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import { Instance, InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { eventually, root, runNode, startService } from '@rondo/harness';
import type { RegistryAdapter } from '@rondo/registries';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { startTcpProxy } from '@rondo/rpc/internal/testing';
import type { ForeignRegistry } from './src/foreign-registry.js';
import { closings, eachKind } from './src/foreign-system.js';

const SERVICE = 'shop.v1.CartService';
const INSTANCES = 1_000;
const CLIENTS = 100;

eachKind((name, begin) => {
  it('has the gateway serve, the console and the tool show what the registry tells, and say what it lacks', async () => {
    const { url } = await begin();
    const run = async (service: string, env: Record<string, string>) => {
      const running = await startService(service, { instanceId: `${service}-a`, registry: url, env });
      closings.push(() => running.stop());
      return running;
    };
    await run('calculator', {});
    const port = '127.0.0.1:0';
    const gateway = await run('gateway', { RONDO_GATEWAY_LISTEN: port, RONDO_GATEWAY_CONSOLE: port });
    const [, front = ''] = await gateway.printed(/also listening on (127\.0\.0\.1:\d+)/);
    await eventually(async () => {
      const answer = await fetch(`http://${front}/v1/calculator:add?a=2&b=3`);
      expect(await answer.json()).toEqual({ result: 5 });
    });
    await consoleShows(front, ['calculator-a', 'gateway-a']);
    const rondo = (...args: readonly string[]) =>
      runNode([join(root, 'scripts/rondo.mjs'), ...args], { env: { RONDO_REGISTRY: url } });
    expect((await rondo('ps')).stdout).toMatch(/^calculator-a .*SERVING .*calculator\.v1\.CalculatorService/m);
    expect((await rondo('pick', 'CalculatorService', '--count', '1')).stdout).toMatch(/^calculator-a 127/);
    // An instance whose renewal is late is out for a while.
    await eventually(async () => expect((await rondo('doctor')).stdout).toMatch(/2 of 2 are SERVING/));
    expect((await rondo('drain', 'calculator-a', '--force')).stderr).toMatch(/lists instances, and has no SetOperator/);
  });

  it('tells 100 clients of a change among 1,000 instances', async () => {
    const registry = await begin();
    const path = await startTcpProxy({ target: registry.address });
    closings.push(() => path.close());
    const writer = open(registry, registry.address);
    const write = (id: number) =>
      eventually(() => writer.write(instance(id), { ttlMs: 600_000, signal: AbortSignal.timeout(60_000) }));
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
          for await (const listed of adapter.watch(SERVICE, ending.signal)) if (listed) lengths[client] = listed.length;
        } catch {
          // As clients do, at different times: all in this process share what its answers may take, and one agent.
          const { signal } = ending;
          await sleep(1_000 + 10_000 * Math.random(), undefined, { signal }).catch(() => undefined);
        }
      }
    };
    for (const client of lengths.keys()) void follow(client);
    const allSee = (length: number) => eventually(() => expect(lengths.filter((one) => one !== length)).toEqual([]));
    await allSee(INSTANCES);
    const [began, before] = [performance.now(), path.receivedBytes];
    await write(INSTANCES);
    await allSee(INSTANCES + 1);
    const tookMs = Math.round(performance.now() - began);
    process.stdout.write(
      `${name}: the first lists took ${before} bytes; a change reaches the last of ${CLIENTS} clients after ${tookMs} ms and ${path.receivedBytes - before} bytes\n`,
    );
  });
});

/** The console lists these instances, and says that the registry has neither cordons nor settings. */
async function consoleShows(address: string, ids: readonly string[]): Promise<void> {
  const channel = createChannel({ resolver: staticResolver([address]) });
  closings.push(async () => channel.close());
  const client = createClient(ConsoleServiceDefinition, { channel });
  const shown = new Set<string>();
  for await (const { instances } of client.watchFleet({})) {
    for (const { instanceId } of instances) shown.add(instanceId);
    if (ids.every((id) => shown.has(id))) break;
  }
  const lacks = /no cordons and no settings; use the tools of the registry that it has/;
  await expect(client.setCordon({ instanceId: ids[0] ?? '', cordoned: true })).rejects.toThrow(lacks);
  await expect(client.watchSettings({})[Symbol.asyncIterator]().next()).rejects.toThrow(lacks);
}

function open(registry: ForeignRegistry, address: string): RegistryAdapter {
  const adapter = registry.openAt(address);
  closings.push(() => adapter.close());
  return adapter;
}

const instance = (id: number): Instance =>
  Instance.fromPartial({
    instanceId: `cart-${id}`,
    incarnation: BigInt(id),
    services: [SERVICE],
    zone: 'eu/a',
    version: '1.2.3',
    endpoints: [{ address: `10.1.${id >> 8}.${id & 255}:50051`, security: 1 }],
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
  });
