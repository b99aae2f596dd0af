/** Backup and restore of a database, as `rondo backup` and `rondo restore` do it. */

export { type BackUpOptions, backUp } from '../backup/back-up.js';
export { BackupError } from '../backup/manifest.js';
export { type RestoreOptions, restore } from '../backup/restore.js';
