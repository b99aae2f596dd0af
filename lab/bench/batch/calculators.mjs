import path from 'node:path';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { cpuMs, startRegistry, startService, until } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';

/**
 * Starts `count` calculators and, if they are `registered`, a registry by which they find each other. Resolves once a batch
 * is shared by all of them.
 *
 * @param options `nodeArguments` go to Node, such as `--cpu-prof`.
 */
export async function startCalculators({ name, count, registered, nodeArguments }, { folder, onClose }) {
  const logFile = (instance) => path.join(folder, `${instance}.log`);
  const registry = registered ? await startRegistry({ warmingMs: 0, logFile: logFile(`${name}-registry`) }) : undefined;
  if (registry !== undefined) onClose(() => registry.stop());
  const calculators = [];
  for (let index = 1; index <= count; index += 1) {
    const instanceId = `${name}-${index}`;
    const options = { instanceId, registry: registry?.address, nodeArguments, logFile: logFile(instanceId) };
    const calculator = await startService('calculator', options);
    onClose(() => calculator.stop());
    calculators.push({ instanceId, calculator });
  }
  const channel = createChannel({ resolver: staticResolver([calculators[0].calculator.address]) });
  onClose(() => channel.close());
  const client = createClient(CalculatorServiceDefinition, { channel });
  await until(() => isShared(client, count), { what: `${count} calculators share a batch` });
  return {
    name,
    calculators,
    client,
    /** What the calculators have used of all processors together. Milliseconds; Linux only. */
    usedMs: () => calculators.reduce((sum, { calculator }) => sum + cpuMs(calculator.pid), 0),
  };
}

async function isShared(client, count) {
  const expressions = Array.from({ length: 4000 }, () => '1 + 1');
  const instances = new Set();
  for await (const { instance } of client.evaluateBatch({ expressions })) instances.add(instance);
  return instances.size === count ? true : undefined;
}
