import type { Command } from '../command.js';
import { call } from './call.js';
import { logs } from './logs.js';
import { ps } from './ps.js';
import { watch } from './watch.js';

/** Every command there is, in the order in which help lists them. A new one is a file here and a line there. */
export const commands: readonly Command[] = [ps, call, watch, logs];
