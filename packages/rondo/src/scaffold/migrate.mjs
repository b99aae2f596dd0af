/** `rondo migrate`: plans what an upgrade to this version changes. The version before runs it (upgrade/upgrade-app.ts). */
import { root } from '../workspace/paths.js';
import { writeMigration } from './upgrade/migration.js';

/** @returns {Promise<number>} */
export async function main() {
  await writeMigration(root);
  return 0;
}
