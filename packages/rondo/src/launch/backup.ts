/** Base backups of a running system, by `rondo backup`, and their restoration into a new data folder, by `rondo restore`. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { hostUrls } from '@rondo/base';
import { build } from '../build/build.js';
import { type TaskName, tasks } from '../commands/tasks.js';
import { UsageError } from '../errors.js';
import { console } from '../terminal/console.js';
import { messageOf } from '../workspace/errors.js';
import { onlyOptions, quoted } from '../workspace/options.js';
import { hideFromGit } from './data-folder.js';
import { databaseServer } from './database.js';
import { DEFAULTS, givenPath, loadRootEnv, usageOf } from './options.js';
import { freePort } from './plan.js';

export const backUp = (args: readonly string[]): Promise<number> =>
  attempt('backup', async (command) => {
    loadRootEnv();
    const usage = usageOf(command, 'backup');
    const { to, data } = onlyOptions(args, tasks.backup.options, usage);
    if (!to) throw new UsageError(`--to must name a folder for the backup: ${usage}`);
    const from = givenPath(data ?? DEFAULTS.data);
    const passwords = path.join(from, 'passwords.json');
    const { adminUrl } = databaseServer({ portBase: 0 });
    if (adminUrl !== undefined && data === undefined) {
      backUpServer(adminUrl, givenPath(to));
      if (existsSync(passwords)) copyFileSync(passwords, path.join(givenPath(to), 'passwords.json'));
      return true;
    }
    if (!(await build())) return false;
    const { backUp: copy } = await import('@rondo/database/backup');
    const { folder, sizeBytes, files, time } = await copy({
      directory: path.join(from, 'postgres'),
      to: givenPath(to),
      files: existsSync(passwords) ? { 'passwords.json': passwords } : {},
    });
    hideFromGit(folder);
    const size = `${Object.keys(files).length} files, ${Math.ceil(sizeBytes / 1e6)} MB`;
    console.log(
      `${folder}: all databases as of ${time} (${size}), passwords included: keep it where only you can read it.\n` +
        `Restore it: ./rondo restore --from ${quoted(givenPath(to))} --data NEW`,
    );
    return true;
  });

/**
 * Backs up a server that this system doesn't run, by PostgreSQL's own program: of several hosts the primary.
 *
 * @throws Error if the program is missing or fails.
 */
function backUpServer(adminUrl: string, to: string): void {
  const url = new URL(hostUrls(adminUrl)[0]);
  const target = /[?&]target_session_attrs=/.test(adminUrl)
    ? ''
    : `${url.search ? '&' : '?'}target_session_attrs=read-write`;
  // Other users of the machine see the arguments.
  const server = `${adminUrl.replace(/:\/\/([^:/?#]*):[^/?#]*@/, '://$1@')}${target}`;
  const env = { ...process.env, PGPASSWORD: decodeURIComponent(url.password) };
  const folder = path.join(to, 'postgres');
  mkdirSync(to, { recursive: true });
  hideFromGit(to);
  const args = ['--dbname', server, '--pgdata', folder, '--wal-method', 'stream', '--checkpoint', 'fast'];
  const { status, error } = spawnSync('pg_basebackup', args, { env, stdio: 'inherit' });
  if (error !== undefined)
    throw new Error("pg_basebackup can't be started: install PostgreSQL's client programs", { cause: error });
  if (status !== 0) throw new Error(`pg_basebackup ended with exit code ${status}`);
  console.log(
    `${folder}: all databases of the primary. Restore them as in Rondo's docs/guides/operate-the-database.md`,
  );
}

export const restore = (args: readonly string[]): Promise<number> =>
  attempt('restore', async (command) => {
    const usage = usageOf(command, 'restore');
    const { from, data } = onlyOptions(args, tasks.restore.options, usage);
    if (!from) throw new UsageError(`--from must name a backup: ${usage}`);
    if (!data) throw new UsageError(`--data must name a new folder: ${usage}`);
    if (!(await build())) return false;
    const to = givenPath(data);
    const { restore: recover } = await import('@rondo/database/backup');
    const { time, timeline, prepared } = await recover({ from: givenPath(from), to, port: await freePort() });
    hideFromGit(to);
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
    return error instanceof UsageError ? 2 : 1;
  }
}
