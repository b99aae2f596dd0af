/** Base backups of a running system, by `rondo backup`, and their restoration into a new data folder, by `rondo restore`. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { build } from '../build/build.js';
import { type TaskName, tasks } from '../commands/tasks.js';
import { console } from '../terminal/console.js';
import { messageOf } from '../workspace/errors.js';
import { onlyOptions, quoted } from '../workspace/options.js';
import { namesServer } from './database.js';
import { DEFAULTS, givenPath, loadRootEnv, usageOf } from './options.js';
import { freePort } from './plan.js';

/** `rondo backup`. Resolves to the exit code. */
export const backUp = (args: readonly string[]): Promise<number> =>
  attempt('backup', async (command) => {
    loadRootEnv();
    const usage = usageOf(command, 'backup');
    const { to, data } = onlyOptions(args, tasks.backup.options, usage);
    if (!to) throw new Error(`--to must name a folder for the backup: ${usage}`);
    if (namesServer(process.env) && data === undefined) {
      const remedy = "back it up with pg_basebackup, as in Rondo's docs/guides/operate-the-database.md";
      throw new Error(`RONDO_DATABASE_ADMIN_URL names a server of your own: ${remedy}`);
    }
    if (!(await build())) return false;
    const from = givenPath(data ?? DEFAULTS.data);
    const passwords = path.join(from, 'passwords.json');
    const { backUp: copy } = await import('@rondo/database/backup');
    const { folder, sizeBytes, files, time } = await copy({
      directory: path.join(from, 'postgres'),
      to: givenPath(to),
      beside: existsSync(passwords) ? { 'passwords.json': passwords } : {},
    });
    const size = `${Object.keys(files).length} files, ${Math.ceil(sizeBytes / 1e6)} MB`;
    console.log(
      `${folder}: all databases as of ${time} (${size}), passwords included: keep it where only you can read it.\n` +
        `Restore it: ./rondo restore --from ${quoted(givenPath(to))} --data NEW`,
    );
    return true;
  });

/** `rondo restore`. Resolves to the exit code. */
export const restore = (args: readonly string[]): Promise<number> =>
  attempt('restore', async (command) => {
    const usage = usageOf(command, 'restore');
    const { from, data } = onlyOptions(args, tasks.restore.options, usage);
    if (!from) throw new Error(`--from must name a backup: ${usage}`);
    if (!data) throw new Error(`--data must name a new folder: ${usage}`);
    if (!(await build())) return false;
    const to = givenPath(data);
    const { restore: recover } = await import('@rondo/database/backup');
    const { time, timeline, prepared } = await recover({ from: givenPath(from), to, port: await freePort() });
    const inDoubt =
      prepared === 0 ? 'no transaction in doubt' : `${prepared} transactions in doubt, finished by the services`;
    console.log(`${to}: all databases as of ${time}, on timeline ${timeline}, ${inDoubt}.`);
    console.log(`Start it: npm start -- --data ${quoted(to)}`);
    return true;
  });

async function attempt(task: TaskName, work: (command: string) => Promise<boolean>): Promise<number> {
  // An app has no script for it.
  const command = process.env.npm_lifecycle_event === task ? `npm run ${task}` : `rondo ${task}`;
  try {
    return (await work(command)) ? 0 : 1;
  } catch (error) {
    console.error(`${command}: ${messageOf(error)}`);
    return 1;
  }
}
