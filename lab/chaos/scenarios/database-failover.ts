import { createPool, replicationFaults } from '@rondo/database';
import { startTestCluster } from '@rondo/database/testing';
import { startCompany } from '../load/company.js';
import type { Scenario } from '../scenario.js';
import { databasesOn } from '../testbed/database.js';
import { now, pass } from '../time.js';
import { judge, LOAD, SERVICES, startServices } from './database-restart.js';

/** Writes more WAL than a connection to a frozen standby takes. */
async function fillConnection(url: string): Promise<void> {
  const pool = createPool({ url, maxConnections: 1 });
  const sql = "SELECT count(pg_logical_emit_message(false, 'chaos', repeat('x', 1000000))) FROM generate_series(1, 40)";
  await pool.query(sql).finally(() => pool.close());
}

/** What `rondo doctor` says of the replication. */
async function warningsOf(url: string): Promise<readonly string[]> {
  const pool = createPool({ url, maxConnections: 1 });
  return await replicationFaults(pool).finally(() => pool.close());
}

/** The services' database fails over to its standby under load. */
export const databaseFailover: Scenario = {
  name: 'database-failover',
  fault: "the database's primary killed, and its synchronous standby promoted a second later, under load",
  bound:
    'calls that are safe to repeat: 0 failed; others fail UNAVAILABLE with the reason; nothing half-written or lost',
  control: 'an asynchronous standby that is 2 s behind',
  async run({ testbed, verdict, control }) {
    const cluster = await startTestCluster({ synchronous: !control });
    testbed.onClose(() => cluster.stop());
    const urlOf = await databasesOn(cluster.url, SERVICES);
    const channel = await startServices(testbed, urlOf);
    const warnings = await warningsOf(cluster.url);
    verdict.check(`rondo doctor warns beforehand: ${warnings.join('; ') || 'of nothing'}`, warnings.length === 0);
    const company = startCompany(channel, LOAD);
    await pass(2_000);
    if (control) {
      cluster.standby.freeze();
      await fillConnection(cluster.primary.url);
      await pass(2_000);
    }
    const from = now();
    await cluster.primary.kill();
    await pass(1_000);
    cluster.standby.thaw();
    await cluster.promote();
    const outage = { from, until: now() };
    await pass(5_000);
    await judge(company, [{ ...outage, ending: 'SIGKILL' }], verdict);
  },
};
