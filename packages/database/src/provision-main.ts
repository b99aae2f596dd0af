// The provisioning step as a process: `RONDO_DATABASE_ADMIN_URL=… RONDO_DATABASES=… node provision-main.js`.
import { createPool } from './pool.js';
import { type ProvisionConfig, provision, readProvisionConfig } from './provision.js';
import { describeUrl, waitForDatabase } from './readiness.js';

const log = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

async function main({ adminUrl, databases }: ProvisionConfig): Promise<void> {
  const admin = createPool({ url: adminUrl, maxConnections: 1 });
  await waitForDatabase(admin, { name: describeUrl(adminUrl), log }).finally(() => admin.close());
  await provision({ adminUrl, databases, log });
  log(`ready: ${databases.map(({ database }) => database).join(', ')}`);
}

const config = readProvisionConfig(process.env);
if ('faults' in config) {
  for (const fault of config.faults) complain(fault);
  process.exitCode = 1;
} else {
  await main(config).catch((error: unknown) => {
    complain(`provisioning failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
