import type { Command } from '../command.js';
import { audit } from './audit.js';
import { auth } from './auth.js';
import { call } from './call.js';
import { certs } from './certs.js';
import { completion } from './completion.js';
import { config } from './config.js';
import { cordon, uncordon } from './cordon.js';
import { db } from './db.js';
import { describe } from './describe.js';
import { dev } from './dev.js';
import { doctor } from './doctor.js';
import { drain } from './drain.js';
import { keys } from './keys.js';
import { logs } from './logs.js';
import { create } from './new.js';
import { pick } from './pick.js';
import { ps } from './ps.js';
import { remove } from './remove.js';
import { restart } from './restart.js';
import { scale } from './scale.js';
import { token } from './token.js';
import { top } from './top.js';
import { tx } from './tx.js';
import { upgrade } from './upgrade.js';
import { watch } from './watch.js';

/** The commands by purpose, in the order of the overview. A new command is a file here and a name below. */
export const groups: readonly { readonly title: string; readonly commands: readonly Command[] }[] = [
  { title: 'Look', commands: [ps, top, pick, watch, logs, audit] },
  { title: 'Call', commands: [describe, call, auth] },
  { title: 'Operate', commands: [drain, cordon, uncordon, restart, scale, config, tx] },
  { title: 'Build', commands: [create, dev, db, remove, upgrade] },
  { title: 'Rondo itself', commands: [doctor, certs, token, keys, completion] },
];

/** All commands. */
export const commands: readonly Command[] = groups.flatMap((group) => group.commands);
