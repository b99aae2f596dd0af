/** Backup and restore of a database, as `rondo backup` and `rondo restore` do it. */

export { backUp } from '../backup/back-up.js';
export { restore } from '../backup/restore.js';
