import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { silentLogger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { fixedEndpoint } from '@rondo/rpc/resolver';
import { implement } from '@rondo/rpc/server';
import { type RunningService, startService } from '../src/index.js';

/** Nothing listens there: a service starts by what an earlier process knew. */
export const NO_REGISTRY = '127.0.0.1:1';

/** What a calculator is started with. */
export interface CalculatorOptions {
  readonly maxReplyBytes?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Calculators of one test file, and the folders that they read. */
export function createCalculators() {
  const running: RunningService[] = [];
  const folders: string[] = [];

  return {
    /** Starts one, without a registry; gives also the channel that its own calls take. */
    async start({ environment, ...options }: CalculatorOptions = {}) {
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
    },
    /** Makes a folder in which an earlier process kept that the calculator `one` is at `address`. */
    async known(address: string): Promise<string> {
      const folder = await mkdtemp(join(tmpdir(), 'rondo-registry-'));
      folders.push(folder);
      const endpoints = [fixedEndpoint(address, { instanceId: 'one' })];
      const about = { format: 'rondo-last-known', version: 2, service: 'calculator.Calculator' };
      const file = { ...about, registry: [NO_REGISTRY], savedAt: '2026-01-01T00:00:00Z', endpoints };
      await writeFile(join(folder, 'calculator.Calculator.json'), JSON.stringify(file));
      return folder;
    },
    /** Stops them, and removes the folders. */
    async stop(): Promise<void> {
      await Promise.all(running.splice(0).map((service) => service.drain()));
      await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
    },
  };
}
