import { readFileSync } from 'node:fs';
import path from 'node:path';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { createPool } from '@rondo/database';
import { eventually, startRegistry, startService } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { salesOver } from './reads.mjs';

const COMPANY = readFileSync(new URL('./company.sql', import.meta.url), 'utf8');
/** A team that has time for all of them. */
const TEAM = `
  INSERT INTO members (id, display_name, email, weekly_capacity_minutes)
    SELECT 'm' || n, 'Member', 'm' || n || '@example.com', 2400 FROM generate_series(1, 50) AS n;`;
const FILL_MS = 900_000;

/**
 * Starts sales and project management, each on a database of its own, and fills sales' with so many quotes and orders.
 * `accepted` further quotes are open: as many can be accepted.
 */
export async function startCompany({ quotes, orders, accepted }, { postgres, folder, onClose }) {
  const logFile = (name) => path.join(folder, `${name}-${quotes}.log`);
  const registry = await startRegistry({ warmingMs: 0, logFile: logFile('registry') });
  onClose(() => registry.stop());
  const start = async (service) => {
    const url = await postgres.createDatabase(`${service.replaceAll('-', '_')}_${quotes}`);
    const options = { registry: registry.address, env: { DATABASE_URL: url }, logFile: logFile(service) };
    const { address, stop } = await startService(service, options);
    onClose(() => stop());
    const database = createPool({ url, maxConnections: 1, statementTimeoutMs: FILL_MS });
    onClose(() => database.close());
    const channel = createChannel({ resolver: staticResolver([address]) });
    onClose(() => channel.close());
    return { address, database, channel };
  };
  const sales = await start('sales');
  const projects = await start('project-management');
  const clients = salesOver(sales.channel);
  const team = createClient(TeamServiceDefinition, { channel: projects.channel });
  // They listen before their tables are there.
  await eventually(() => clients.customers.listCustomers({}));
  await eventually(() => team.listMembers({}));
  const counts = { quotes, orders, accepted };
  await fill(
    sales.database,
    COMPANY.replaceAll(/:(quotes|orders|accepted)\b/g, (_, name) => String(counts[name])),
  );
  await fill(projects.database, TEAM);
  return { ...clients, address: sales.address, count: quotes };
}

async function fill(database, script) {
  await database.transaction((transaction) => transaction.script(script), { statementTimeoutMs: FILL_MS });
  // What the server does by itself after a while.
  await database.query('VACUUM ANALYZE');
  await database.query('CHECKPOINT');
}
