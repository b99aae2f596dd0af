export { type BackUpOptions, type Backup, backUp } from './back-up.js';
export { BackupError, type Manifest } from './manifest.js';
export { type Restored, type RestoreOptions, restore } from './restore.js';
