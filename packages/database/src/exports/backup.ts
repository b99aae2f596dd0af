export { type BackUpOptions, type Backup, backUp } from '../backup/back-up.js';
export { BackupError, type Manifest } from '../backup/manifest.js';
export { type Restored, type RestoreOptions, restore } from '../backup/restore.js';
