import { describe, expect, it } from '@jest/globals';
import { IllegalTransition } from './errors.js';
import { PROJECT_TRANSITIONS, requireTransition, TASK_TRANSITIONS } from './states.js';

/** The transitions, copied from the contract: PLANNED → ACTIVE → DONE → ARCHIVED and the transitions back. */
const PROJECT_TABLE = { PLANNED: 'ACTIVE ARCHIVED', ACTIVE: 'PLANNED DONE', DONE: 'ACTIVE ARCHIVED', ARCHIVED: '' };
const TASK_TABLE = {
  OPEN: 'IN_PROGRESS CANCELLED',
  IN_PROGRESS: 'OPEN DONE CANCELLED',
  DONE: 'IN_PROGRESS',
  CANCELLED: '',
};

describe.each([
  ['a project', PROJECT_TRANSITIONS, PROJECT_TABLE],
  ['a task', TASK_TRANSITIONS, TASK_TABLE],
])('the states of %s', (_what, transitions, table) => {
  const states = Object.keys(table);
  const pairs = Object.entries<string>(table).flatMap(([from, next]) => states.map((to) => [from, to, next] as const));
  it.each(pairs)('%s to %s', (from, to, next) => {
    const change = () => requireTransition('it', transitions, { from, to });
    if (from === to || next.split(' ').includes(to)) expect(change).not.toThrow();
    else expect(change).toThrow(IllegalTransition);
  });
});
