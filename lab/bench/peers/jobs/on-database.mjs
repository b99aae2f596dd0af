import { createPool } from '@rondo/database';
import { startWorker } from '@rondo/harness';

let databases = 0;

/** Lets `use` open processes of a contender, whose program is `file`, on a database of their own. */
export async function onDatabase({ postgres, file, contender }, use) {
  databases += 1;
  const url = await postgres.createDatabase(`bench_${databases}`);
  const database = createPool({ url });
  const workers = [];
  const open = async (options) => {
    workers.push(startWorker(new URL(file, import.meta.url), { env: { NODE_OPTIONS: '--no-deprecation' } })); // of DBOS
    await workers.at(-1).ask('open', { contender, url, ...options });
    return workers.at(-1);
  };
  try {
    await database.query('CREATE TABLE effects (entry text NOT NULL)');
    return await use(open, database);
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
    await database.close();
  }
}
