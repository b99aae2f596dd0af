/** `node migrate.mjs`: plans what an upgrade to this version changes. The version before runs it (packages/scaffold/src/upgrade). */
import { root } from './process.mjs';

const { writeMigration } = await import('#scaffold');
await writeMigration(root);
