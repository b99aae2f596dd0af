/** `node scripts/relock.mjs`: installs the workspace, and the lock file follows the manifests. */
import { install } from './install.mjs';

process.exitCode = (await install({ relock: true })) ? 0 : 1;
