import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, until } from '@rondo/harness';
import type { DatabaseServer } from '../testbed/database.js';
import type { Replica, Testbed } from '../testbed/testbed.js';
import { now } from '../time.js';
import { describe, type ProtocolPoint } from './point.js';

/** The services that have a database. */
export const OWNERS = ['sales', 'project-management'] as const;

/** Sales, the coordinator, and project management, the participant. Each can be armed to die at a point of the protocol. */
export type Services = Awaited<ReturnType<typeof startServices>>;

const DIE = path.join(root, 'lab/dist/chaos/transactions/die.js');
const DEATH_TIMEOUT_MS = 15_000;
const NAMES = { coordinator: 'sales', participant: 'project-management' } as const;

/** Starts both, and a calculator. `more` are variables of all three. */
export async function startServices(
  testbed: Testbed,
  database: DatabaseServer,
  more: Readonly<Record<string, string>> = {},
) {
  const fileOf = (role: ProtocolPoint['role']) => path.join(testbed.folder, `die-${role}`);
  const start = (role: ProtocolPoint['role']): Promise<Replica> => {
    const id = NAMES[role];
    const env = {
      DATABASE_URL: database.urlOf(id),
      NODE_OPTIONS: `--import ${DIE}`,
      CHAOS_DIE_AT: fileOf(role),
      ...more,
    };
    return testbed.startReplica(id, { service: id, env });
  };
  const [coordinator, participant] = await Promise.all([
    start('coordinator'),
    start('participant'),
    testbed.startReplica('calculator', { env: more }),
  ]);
  const replicas = { coordinator, participant };
  return {
    /** Has the process of a role die the next time that it comes to a point. */
    arm: (point: ProtocolPoint) => writeFileSync(fileOf(point.role), describe(point)),
    /** Waits until the process has died and restarts it. Gives when the restart began: milliseconds since the Unix epoch. */
    async restartDead(point: ProtocolPoint): Promise<number> {
      const { role } = point;
      const what = `the transaction comes to: ${describe(point)}`;
      await until(() => !existsSync(fileOf(role)) || undefined, { what, timeoutMs: DEATH_TIMEOUT_MS });
      await replicas[role].ended;
      const from = now();
      replicas[role] = await replicas[role].restart('SIGKILL');
      return from;
    },
  };
}
