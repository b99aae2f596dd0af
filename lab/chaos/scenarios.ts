import type { Scenario } from './scenario.js';
import { databaseRestart } from './scenarios/database-restart.js';
import { mistake, mute, slowPath } from './scenarios/endpoint.js';
import { etcd } from './scenarios/etcd.js';
import { agentOrders, exactlyOnce } from './scenarios/exactly-once.js';
import { allDown, rollingRestart, scale } from './scenarios/fleet.js';
import { gatewayRestart } from './scenarios/gateway.js';
import { coldStart, registryAway, registryFrozen } from './scenarios/registry.js';
import { freeze, kill, standstill } from './scenarios/replica.js';
import { twoPhaseCommit } from './scenarios/two-phase-commit.js';

/** The outage table, in its order. */
export const scenarios: readonly Scenario[] = [
  registryAway,
  registryFrozen,
  kill,
  freeze,
  standstill,
  mute,
  mistake,
  slowPath,
  rollingRestart,
  gatewayRestart,
  scale,
  allDown,
  coldStart,
  databaseRestart,
  twoPhaseCommit,
  etcd,
  exactlyOnce,
  agentOrders,
];
