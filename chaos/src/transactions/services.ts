import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ProtocolPoint } from '@rondo/transactions';
import type { DatabaseServer } from '../scene/database.js';
import type { Replica, Scene } from '../scene/scene.js';
import { now, until } from '../time.js';
import { describe } from './point.js';

/** The services whose data is in a database, as their databases are named. */
export const OWNERS = ['sales', 'project_management'] as const;

/** Sales, which coordinates, and project management, which takes part: each can be told where to die. */
export interface Services {
  /** Has the process of a role die at a point, once it comes there. */
  arm(point: ProtocolPoint): void;
  /** Waits until it has died, starts it anew, and gives when that began: milliseconds since the Unix epoch. */
  restartDead(point: ProtocolPoint): Promise<number>;
}

const DIE = new URL('./die.js', import.meta.url).href;
const DEATH_TIMEOUT_MS = 15_000;
const NAMES = { coordinator: 'sales', participant: 'project-management' } as const;

/** Starts both, beside a calculator. */
export async function startServices(scene: Scene, database: DatabaseServer): Promise<Services> {
  const fileOf = (role: ProtocolPoint['role']) => path.join(scene.folder, `die-${role}`);
  const start = (role: ProtocolPoint['role']): Promise<Replica> => {
    const id = NAMES[role];
    const env = {
      DATABASE_URL: database.urlOf(id.replace('-', '_')),
      NODE_OPTIONS: `--import ${DIE}`,
      CHAOS_DIE_AT: fileOf(role),
    };
    return scene.startReplica(id, { main: `services/${id}/dist/main.js`, env });
  };
  const [coordinator, participant] = await Promise.all([
    start('coordinator'),
    start('participant'),
    scene.startReplica('calculator'),
  ]);
  const replicas = { coordinator, participant };
  return {
    arm: (point) => writeFileSync(fileOf(point.role), describe(point)),
    async restartDead({ role, ...at }) {
      const died = () => (existsSync(fileOf(role)) ? undefined : true);
      await until(died, {
        what: `the transaction comes to: ${describe({ role, ...at })}`,
        timeoutMs: DEATH_TIMEOUT_MS,
      });
      await replicas[role].exited;
      const from = now();
      replicas[role] = await start(role);
      return from;
    },
  };
}
