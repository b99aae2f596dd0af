/** Clients in Java find and call Rondo services by a registry that they share, and Rondo's clients find theirs. */
import { existsSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { eventually, startService } from '@rondo/harness';
import { adapterResolver } from '@rondo/registries';
import { createChannel, createClient } from '@rondo/rpc/client';
import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
import { foreignKinds, JAVA, startJava } from './src/foreign-registry.js';
import { closings } from './src/foreign-system.js';

const PEERS = [
  ['SpringPeer', 'Eureka', (address: string) => `http://${address}/eureka/`],
  ['CuratorPeer', 'ZooKeeper', (address: string) => address],
] as const;

if (!existsSync(JAVA)) process.stdout.write('NOT TESTED: the clients in Java are not built (lab/java/build.sh)\n');
(existsSync(JAVA) ? it : it.skip).each(PEERS)('%s and Rondo call each other by %s', async (main, name, urlAt) => {
  const kind = foreignKinds.find((one) => one.name === name);
  if (kind === undefined || kind.missing !== undefined) throw new Error(`${name} can't be started: ${kind?.missing}`);
  const registry = await kind.start();
  closings.push(() => registry.stop());
  const service = await startService('calculator', { instanceId: 'calculator-a', registry: registry.url });
  closings.push(() => service.stop());

  const peer = startJava(main, urlAt(registry.address));
  closings.push(() => peer.stop());
  await peer.printed(/^answer of calculator-a(?::calculator\.v1\.CalculatorService)?: 5\b/m);

  await service.stop();
  const { adapter } = await registry.open();
  const channel = createChannel({ resolver: adapterResolver(adapter, { clock, random }), healthCheck: true });
  closings.push(async () => channel.close());
  const client = createClient(CalculatorServiceDefinition, { channel });
  await eventually(async () => expect((await client.add({ a: 2n, b: 3n })).result).toBe(42n));
});
