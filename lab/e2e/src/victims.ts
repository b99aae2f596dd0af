/** Processes of a test that are killed and frozen, and whose database crashes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, startWorker } from '@rondo/harness';
import type { Postgres } from '@rondo/harness/postgres';

/** Longer than others wait for its heartbeats. */
const FREEZE_MS = 8_000;

/** Starts a process for each argument of the command `work` of this file. */
export async function startVictims(file: URL, args: readonly object[], postgres: Postgres) {
  const begin = (argument: object) =>
    eventually(async () => {
      const worker = startWorker(file);
      try {
        await worker.ask('work', argument);
        return worker;
      } catch (error) {
        await worker.close(); // the database was away
        throw error;
      }
    });
  const workers = await Promise.all(args.map(begin));
  return {
    /** So many faults, about two a second: one in ten is a freeze, one a crash of the database, and the others are kills. */
    async disturb(faults: number): Promise<void> {
      for (let fault = 0; fault < faults; fault += 1) {
        await sleep(Math.random() * 1_000); // when a fault happens is what is random here
        const victim = Math.floor(Math.random() * workers.length);
        const worker = workers[victim];
        if (fault % 10 === 9) {
          worker?.signal('SIGSTOP');
          await sleep(FREEZE_MS); // until others have what it had
          worker?.signal('SIGCONT');
        } else if (fault % 10 === 4) {
          await postgres.restart('SIGQUIT', Math.random() * 500); // as pg_ctl does with -m immediate
        } else {
          await worker?.close();
          workers[victim] = await begin(args[victim] ?? {});
        }
      }
    },
    close: async () => void (await Promise.all(workers.map((worker) => worker.close()))),
  };
}
