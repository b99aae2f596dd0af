import { createHash } from 'node:crypto';
import { chmodSync, constants, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Account, binariesFor, copyOnce, type EmbeddedBinaries, serverAccount } from './binaries.js';
import { adoptCluster, initdbArguments, initialise } from './cluster.js';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/rondo/', import.meta.url));
const OPEN_TO_THE_SERVER = 0o755;
/** PostgreSQL refuses to start on other data. */
const CLOSED_TO_OTHERS = 0o700;

/**
 * Creates the cluster of a temporary server. initdb runs once for each version and user; afterwards its result is
 * copied, which is cheaper. All clusters of a user have the same password.
 */
export async function copyEmptyCluster(directory: string): Promise<void> {
  const account = serverAccount();
  const binaries = binariesFor(account, () => undefined);
  const settings = createHash('sha256').update(initdbArguments('', '').join(' ')).digest('hex').slice(0, 8);
  const template = join(CACHE, `cluster-${binaries.version}-${settings}-${process.getuid?.() ?? ''}`);
  if (!existsSync(template)) createTemplate(template, account, binaries);
  await adoptCluster(directory, account, async (home) => {
    cpSync(template, home, { recursive: true, mode: constants.COPYFILE_FICLONE });
    chmodSync(join(home, 'data'), CLOSED_TO_OTHERS); // Node 24 copies the modes of files, but not of folders
  });
}

function createTemplate(template: string, account: Account, binaries: EmbeddedBinaries): void {
  const home = mkdtempSync(join(tmpdir(), 'rondo-initdb-'));
  chmodSync(home, OPEN_TO_THE_SERVER);
  try {
    initialise(home, account, binaries);
    mkdirSync(dirname(template), { recursive: true });
    copyOnce(home, template);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
