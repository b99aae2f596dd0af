import { spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { createPool } from '@rondo/database';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { takeAlong } from '../process/children.mjs';
import { cpuMs } from '../process/cpu.mjs';
import { freePort, startRegistry } from '../registry/registry-process.mjs';

const START_MS = 30_000;
const STOP_MS = 10_000;

/** A database as it runs by default: what is committed is on the disk. */
export async function startDatabase(folder) {
  const directory = path.join(folder, 'postgres');
  mkdirSync(directory);
  chmodSync(folder, 0o755); // as root the server is another user
  chmodSync(directory, 0o755);
  const server = await startEmbeddedPostgres({ directory, port: await freePort() });
  const admin = createPool({ url: server.url, maxConnections: 1 });
  await admin.query('CREATE DATABASE sales').finally(() => admin.close());
  const url = Object.assign(new URL(server.url), { pathname: '/sales' }).href;
  const database = createPool({ url, maxConnections: 2 });
  return {
    url,
    database,
    cpuMs: () => cpuMs(server.pid, { children: true }),
    async stop() {
      await database.close();
      await server.stop();
    },
  };
}

/** A registry, a calculator that it knows, and replicas of sales; each a process of its own. */
export async function startSystem({ folder, databaseUrl, nodeArguments = [] }) {
  const registry = await startRegistry({
    port: await freePort(),
    warmingMs: 0,
    logFile: path.join(folder, 'registry.log'),
  });
  const children = [];
  const start = async (service, name, env = {}) => {
    const address = `127.0.0.1:${await freePort()}`;
    const log = openSync(path.join(folder, `${name}.log`), 'a');
    const main = fileURLToPath(new URL(`../../services/${service}/dist/main.js`, import.meta.url));
    const variables = { RONDO_LISTEN: address, RONDO_INSTANCE_ID: name, RONDO_REGISTRY: registry.address, ...env };
    const options = { env: { PATH: process.env.PATH, ...variables }, stdio: ['ignore', log, log, 'ipc'] };
    const child = spawn(process.execPath, [...nodeArguments, main], options);
    closeSync(log);
    takeAlong(child);
    children.push({ service, child });
    return address;
  };
  await start('calculator', 'calculator');
  const replicas = [];
  return {
    /** Starts replicas until there are so many, and resolves to a client over them once they serve. */
    async replicas(count) {
      while (replicas.length < count) {
        replicas.push(await start('sales', `sales-${replicas.length + 1}`, { DATABASE_URL: databaseUrl }));
      }
      for (const address of replicas) await served(address);
      return clientOf(replicas);
    },
    /** Of all instances of a service together. */
    cpuMs: (service) =>
      children.filter((one) => one.service === service).reduce((sum, { child }) => sum + cpuMs(child.pid), 0),
    async stop() {
      for (const { child } of children) child.kill('SIGTERM');
      await Promise.all(children.map(({ child }) => ended(child)));
      await registry.stop();
    },
  };
}

function clientOf(addresses) {
  const channel = createChannel({ resolver: staticResolver(addresses) });
  return { orders: createClient(OrderServiceDefinition, { channel }), close: () => channel.close() };
}

async function served(address) {
  const client = clientOf([address]);
  try {
    for (const lastAt = performance.now() + START_MS; ; ) {
      try {
        await client.orders.listOrders({ pageSize: 1 });
        return;
      } catch (error) {
        if (performance.now() > lastAt) throw error;
        await sleep(100);
      }
    }
  } finally {
    client.close();
  }
}

async function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
}
