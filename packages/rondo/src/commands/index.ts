import type { Command } from '../command.js';
import { formatHelp } from '../help.js';
import { needsClone } from '../tree-work.js';
import { add } from './add.js';
import { audit } from './audit.js';
import { auth } from './auth.js';
import { bench } from './bench.js';
import { call } from './call.js';
import { certs } from './certs.js';
import { completion } from './completion.js';
import { config } from './config.js';
import { openConsole } from './console.js';
import { cordon, uncordon } from './cordon.js';
import { db } from './db.js';
import { describe } from './describe.js';
import { doctor } from './doctor.js';
import { drain } from './drain.js';
import { events } from './events.js';
import { jobs } from './jobs.js';
import { join } from './join.js';
import { keys } from './keys.js';
import { kubernetes } from './kubernetes.js';
import { logs } from './logs.js';
import { mcp } from './mcp.js';
import { create } from './new.js';
import { pick } from './pick.js';
import { ps } from './ps.js';
import { remove } from './remove.js';
import { restart } from './restart.js';
import { rollout } from './rollout.js';
import { runs } from './runs.js';
import { scale } from './scale.js';
import { type Task, type TaskName, tasks } from './tasks.js';
import { token } from './token.js';
import { top } from './top.js';
import { trace } from './trace.js';
import { tx } from './tx.js';
import { upgrade } from './upgrade.js';
import { xds } from './xds.js';

/** A task as a command: it has help and completion. In a workspace main.ts runs it, before this module is loaded. */
function task(name: TaskName): Command {
  const about: Task = tasks[name];
  return {
    name,
    summary: about.summary,
    options: about.options,
    help: formatHelp({ name, ...about }),
    complete: async () => [],
    run: () => Promise.reject(needsClone(name)),
  };
}

const EVERY_DAY = [task('start'), task('dev'), openConsole, ps, logs, describe, call, trace, create, task('test')];

/** The commands by purpose, in the order of the overview. A new command is a file here and a name below; a task is a row of tasks.ts. */
export const groups: readonly { readonly title: string; readonly commands: readonly Command[] }[] = [
  { title: 'Every day', commands: [...EVERY_DAY, task('check'), doctor] },
  { title: 'Look and call', commands: [top, pick, audit, auth, bench, mcp, xds] },
  {
    title: 'Operate',
    commands: [join, drain, cordon, uncordon, restart, scale, rollout, config, tx, jobs, runs, events],
  },
  { title: 'Data', commands: [task('backup'), task('restore'), db] },
  {
    title: 'Build',
    commands: [
      ...[task('build'), task('generate'), task('breaking'), task('bundle'), task('install')],
      ...[kubernetes, add, remove, upgrade],
    ],
  },
  { title: 'Security', commands: [certs, token, keys] },
  { title: 'Your shell', commands: [completion] },
];

export const commands: readonly Command[] = groups.flatMap((group) => group.commands);
