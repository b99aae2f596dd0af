/** `node scripts/relock.mjs`: installs the workspace, and updates the lock file to the manifests. */
import { install } from './install.mjs';

process.exitCode = (await install({ relock: true })) ? 0 : 1;
