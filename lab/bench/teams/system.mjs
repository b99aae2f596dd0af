import path from 'node:path';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { createPool } from '@rondo/database';
import { eventually, startRegistry, startService } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';

const QUOTES = `
  INSERT INTO customers (id, display_name, email) VALUES ('c', 'Customer', 'c@example.com');
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
    SELECT 'p' || n, 'Product', 'SKU-' || n, 'EUR', 1999, 1000, 60 FROM generate_series(1, 50) AS n;
  INSERT INTO quotes (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor)
    SELECT 'q' || n, 'c', DATE '2020-01-01', 0, 0, 'EUR', 1999, 1999 FROM generate_series(1, :quotes) AS n;
  INSERT INTO quote_lines (quote_id, position, product_id, quantity, discount_percent, title, unit_price_minor, delivery_effort_minutes)
    SELECT id, 1, 'p' || 1 + sequence % 50, 1, 0, 'Product', 1999, 60 FROM quotes;`;

const TEAM = `
  INSERT INTO members (id, display_name, email, weekly_capacity_minutes)
    SELECT 'm' || n, 'Member', 'm' || n || '@example.com', 2400 FROM generate_series(1, :members) AS n;`;

/** Starts sales and project management with so many quotes and members, each on a database of its own, and a registry. */
export async function startTeam(members, { quotes, postgres, folder, onClose }) {
  const closing = [];
  const close = async () => {
    for (const end of closing.reverse()) await end();
    closing.length = 0;
  };
  onClose(close);
  const logFile = (name) => path.join(folder, `${name}-${members}.log`);
  const registry = await startRegistry({ warmingMs: 0, logFile: logFile('registry') });
  closing.push(() => registry.stop());
  const start = async (service, statements) => {
    const url = await postgres.createDatabase(`${service.replaceAll('-', '_')}_${members}`);
    const options = { registry: registry.address, env: { DATABASE_URL: url }, logFile: logFile(service) };
    const running = await startService(service, options);
    closing.push(() => running.stop());
    const channel = createChannel({ resolver: staticResolver([running.address]) });
    closing.push(() => channel.close());
    return { url, channel, statements };
  };
  const sales = await start('sales', QUOTES.replaceAll(':quotes', String(quotes)));
  const projects = await start('project-management', TEAM.replaceAll(':members', String(members)));
  const quoteService = createClient(QuoteServiceDefinition, { channel: sales.channel });
  const teamService = createClient(TeamServiceDefinition, { channel: projects.channel });
  await eventually(() => quoteService.listQuotes({}));
  await eventually(() => teamService.listMembers({}));
  for (const { url, statements } of [sales, projects]) {
    const database = createPool({ url, maxConnections: 1 });
    await database.transaction((transaction) => transaction.script(statements));
    await database.query('VACUUM ANALYZE');
    await database.close();
  }
  return { quoteService, teamService, close };
}
