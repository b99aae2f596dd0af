import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { takeAlong } from '../process/children.mjs';
import { cpuMs } from '../process/cpu.mjs';
import { freePort, startRegistry } from '../registry/registry-process.mjs';

const MAIN = fileURLToPath(new URL('../../services/calculator/dist/main.js', import.meta.url));
const START_MS = 15_000;

/**
 * Starts `count` calculators and, unless they are to be by themselves, a registry that tells them of each other.
 *
 * @param options `folder` takes their logs; `nodeArguments` go to Node, such as `--cpu-prof`.
 */
export async function startCalculators({ name, count, registered, folder, nodeArguments = [] }) {
  const registry = registered
    ? await startRegistry({ port: await freePort(), warmingMs: 0, logFile: path.join(folder, `${name}-registry.log`) })
    : undefined;
  const nodes = [];
  for (let index = 1; index <= count; index += 1) {
    const instanceId = `${name}-${index}`;
    const address = `127.0.0.1:${await freePort()}`;
    const log = openSync(path.join(folder, `${instanceId}.log`), 'a');
    const child = spawn(process.execPath, [...nodeArguments, MAIN], {
      env: {
        PATH: process.env.PATH,
        RONDO_LISTEN: address,
        RONDO_INSTANCE_ID: instanceId,
        // Nobody listens on port 1: one that is by itself finds no registry.
        RONDO_REGISTRY: registry?.address ?? '127.0.0.1:1',
      },
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    takeAlong(child);
    nodes.push({ instanceId, address, child });
  }
  const channel = createChannel({ resolver: staticResolver([nodes[0].address]) });
  const system = { name, nodes, client: createClient(CalculatorServiceDefinition, { channel }) };
  system.stop = async () => {
    channel.close();
    for (const { child } of nodes) child.kill('SIGTERM');
    await Promise.all(nodes.map(({ child }) => ended(child)));
    await registry?.stop();
  };
  await takePart(system, count);
  return system;
}

/** Waits until a batch is shared by all of them. */
async function takePart({ client }, count) {
  const lastAt = performance.now() + START_MS;
  const expressions = Array.from({ length: 4000 }, () => '1 + 1');
  for (;;) {
    const seen = new Set();
    try {
      for await (const { instance } of client.evaluateBatch({ expressions })) seen.add(instance);
    } catch (error) {
      if (performance.now() > lastAt) throw error;
    }
    if (seen.size === count) return;
    if (performance.now() > lastAt) throw new Error(`only ${[...seen]} took part within ${START_MS} ms`);
    await sleep(100);
  }
}

/** What the calculators have used of all processors together. Milliseconds. */
export function usedMs({ nodes }) {
  return nodes.reduce((sum, { child }) => sum + (child.exitCode ?? child.signalCode ?? cpuMs(child.pid)), 0);
}

function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((resolve) => child.once('exit', resolve));
}
