/** For the generated references: the commands with their help, and who may call which method. */

export { commands, groups } from '../commands/index.js';
export { formatRules, rulesOf } from '../contract/auth-matrix.js';
export { formatOverview } from '../help.js';
