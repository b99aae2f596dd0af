import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { createPool } from '@rondo/database';
import { eventually, startService } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';

const COMPANY = readFileSync(new URL('./company.sql', import.meta.url), 'utf8');
const FILL_MS = 900_000;

/** Starts sales on a database of its own, and fills that with so many quotes. Nothing is registered. */
export async function startCompany(quotes, { postgres, folder, onClose }) {
  const name = `quotes_${quotes}`;
  const url = await postgres.createDatabase(name);
  const service = await startService('sales', {
    env: { DATABASE_URL: url },
    logFile: path.join(folder, `${name}.log`),
  });
  onClose(() => service.stop());
  const database = createPool({ url, maxConnections: 1, statementTimeoutMs: FILL_MS });
  onClose(() => database.close());
  const channel = createChannel({ resolver: staticResolver([service.address]) });
  onClose(() => channel.close());
  const customers = createClient(CustomerServiceDefinition, { channel });
  // It listens before its tables are there.
  await eventually(() => customers.listCustomers({}));
  await database.transaction((transaction) => transaction.script(COMPANY.replaceAll(':quotes', String(quotes))), {
    statementTimeoutMs: FILL_MS,
  });
  // What the server does by itself after a while.
  await database.query('VACUUM ANALYZE');
  return {
    quotes: createClient(QuoteServiceDefinition, { channel }),
    orders: createClient(OrderServiceDefinition, { channel }),
    products: createClient(ProductServiceDefinition, { channel }),
    customers,
    count: quotes,
  };
}
