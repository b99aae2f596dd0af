import type { Row } from '../row.js';
import { allDown } from './all-down.js';
import { coldStart } from './cold-start.js';
import { databaseRestart } from './database-restart.js';
import { etcd } from './etcd.js';
import { exactlyOnce } from './exactly-once.js';
import { freeze } from './freeze.js';
import { kill } from './kill.js';
import { mistake } from './mistake.js';
import { mute } from './mute.js';
import { registryAway } from './registry-away.js';
import { registryFrozen } from './registry-frozen.js';
import { rollingRestart } from './rolling-restart.js';
import { scale } from './scale.js';
import { slowPath } from './slow-path.js';
import { twoPhaseCommit } from './two-phase-commit.js';

/** The table, in its order. */
export const rows: readonly Row[] = [
  registryAway,
  registryFrozen,
  kill,
  freeze,
  mute,
  mistake,
  slowPath,
  rollingRestart,
  scale,
  allDown,
  coldStart,
  databaseRestart,
  twoPhaseCommit,
  etcd,
  exactlyOnce,
];
