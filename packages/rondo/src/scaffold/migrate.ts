/** `rondo migrate`: plans what an upgrade to this version changes. The version before runs it (upgrade/upgrade-app.ts). */
import { root } from '../workspace/paths.js';
import { writeMigration } from './upgrade/migration.js';

/** Resolves to the exit code. */
export async function main(): Promise<number> {
  await writeMigration(root);
  return 0;
}
