/** How long the replies are that a service takes of those it calls. */
import { rm } from 'node:fs/promises';
import { afterEach, expect, it } from '@jest/globals';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { Status } from '@rondo/rpc/status';
import { type RunningService, startService } from '../src/index.js';
import { knownCalculator, NO_REGISTRY } from './known-calculator.js';

const running: RunningService[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.drain()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

interface Setting {
  readonly maxReplyBytes?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a calculator; gives also the channel that its own calls take. */
async function start({ environment, ...options }: Setting = {}) {
  const channels: Channel[] = [];
  const service = await startService({
    ...options,
    name: 'calculator',
    port: 0,
    environment: { RONDO_REGISTRY: NO_REGISTRY, RONDO_DRAIN_WAIT_MS: '0', ...environment },
    log: silentLogger,
    createApp: ({ channel }) => {
      channels.push(channel);
      return { services: [implement(CalculatorDefinition, { add: ({ a, b }) => ({ result: a + b }) })] };
    },
  });
  running.push(service);
  const [channel] = channels;
  if (channel === undefined) throw new Error('the app was not made');
  return { service, channel };
}

it.each<[string, Setting]>([
  ['its own limit', { maxReplyBytes: 3 }],
  ['RONDO_MAX_REPLY_BYTES, whatever its own', { maxReplyBytes: 100, environment: { RONDO_MAX_REPLY_BYTES: '3' } }],
])('a service takes no reply of another that is longer than %s', async (_which, { environment, ...setting }) => {
  const callee = await start();
  const folder = await knownCalculator(callee.service.address);
  folders.push(folder);
  const { channel } = await start({ ...setting, environment: { RONDO_REGISTRY_CACHE: folder, ...environment } });
  const { add } = createClient(CalculatorDefinition, { channel });
  await expect(add({ a: 2n })).resolves.toEqual({ result: 2n });
  await expect(add({ a: 2n ** 40n })).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
});

it('a service does not start where RONDO_MAX_REPLY_BYTES is no length', async () => {
  await expect(start({ environment: { RONDO_MAX_REPLY_BYTES: '16MiB' } })).rejects.toThrow(
    'RONDO_MAX_REPLY_BYTES=16MiB is not an integer: give an integer from 1 to 2147483647',
  );
});
