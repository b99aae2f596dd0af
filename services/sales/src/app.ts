import { createPool, createReadinessCheck, describeUrl } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Random } from '@rondo/rpc/clock';
import type { App } from '@rondo/service';
import { createCalculator } from './adapters/calculator.js';
import { createQueries, createTransact } from './adapters/database.js';
import { createProjects } from './adapters/projects.js';
import { createStores } from './adapters/stores.js';
import type { SalesConfig } from './config.js';
import type { Ports } from './domain/ports.js';
import { customerService } from './rpc/customers.js';
import { orderService } from './rpc/orders.js';
import { productService } from './rpc/products.js';
import { quoteService } from './rpc/quotes.js';

/** What the service needs of the process that it runs in. */
export interface SalesContext {
  readonly log: Logger;
  /** Reaches the calculator and project management. */
  readonly channel: Channel;
  readonly random: Random;
}

const MIGRATIONS = new URL('../migrations/', import.meta.url);
/** 80 bits: short in a name, and beyond guessing. */
const ID_BYTES = 10;

/** Wires the service: the database at the bottom, the contract at the top. */
export function createApp({ log, channel, random }: SalesContext, { databaseUrl }: SalesConfig): App {
  const database = createPool({
    url: databaseUrl,
    applicationName: 'sales',
    onError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
  });
  const ports: Ports = {
    stores: createStores(createQueries(database)),
    transact: createTransact(database, createStores),
    calculator: createCalculator(channel),
    projects: createProjects(channel),
    newId: () => random.hex(ID_BYTES),
  };
  return {
    services: [customerService(ports), productService(ports), quoteService(ports), orderService(ports)],
    dependencies: [
      {
        name: `the ${describeUrl(databaseUrl)}`,
        check: createReadinessCheck(database, {
          directory: MIGRATIONS,
          log: (line) => log.info({}, line),
          warn: (line) => log.warn({}, line),
        }),
      },
    ],
    stop: () => database.close(),
  };
}
