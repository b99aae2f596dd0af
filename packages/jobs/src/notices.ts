import type { Database } from '@rondo/database';
import type { Clock, Random } from '@rondo/rpc/clock';

const CHANNEL = 'rondo_jobs';

/** Who gets the notices of a database in this process, over one connection. */
interface Followed {
  readonly workers: Map<string, () => void>;
  readonly listener: ReturnType<NonNullable<Database['listen']>>;
}

const followed = new WeakMap<Database, Followed>();

/** What a worker follows notices with. */
interface NoticesOptions {
  readonly database: Database;
  /** The id of the worker. */
  readonly id: string;
  readonly clock: Clock;
  readonly random: Random;
  /** There may be something to claim. */
  readonly onNotice: () => void;
}

/** The notices that a worker gets. */
export interface Notices {
  /** Checks the connection, which may be one to a server that is gone. */
  check(): void;
  close(): Promise<void>;
}

/** Follows the notices of other workers, also over a failover. Undefined if the database can't: the worker then finds work by its heartbeats. */
export function followNotices({ database, id, clock, random, onNotice }: NoticesOptions): Notices | undefined {
  if (database.listen === undefined) return undefined;
  const workers = followed.get(database)?.workers ?? new Map<string, () => void>();
  const onNotification = (from: string | undefined) => {
    for (const [worker, wake] of workers) if (worker !== from) wake();
  };
  const { listener } = followed.get(database) ?? {
    listener: database.listen({ channel: CHANNEL, applicationName: 'rondo-jobs', clock, random, onNotification }),
  };
  followed.set(database, { workers, listener });
  workers.set(id, onNotice);
  return {
    check: () => listener.check(),
    async close() {
      if (!workers.delete(id) || workers.size > 0) return;
      followed.delete(database);
      await listener.close();
    },
  };
}

/** Tells the other workers that something is due: in a statement of its own, as the commit of a notification waits for those of others. */
export async function notifyWorkers({ query }: Pick<Database, 'query'>, id: string): Promise<void> {
  await query(`SELECT pg_notify('${CHANNEL}', $1)`, [id]);
}
