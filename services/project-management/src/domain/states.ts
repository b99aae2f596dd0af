import { IllegalTransition } from './errors.js';

/** The states that may follow each state. */
export type Transitions = Readonly<Record<string, readonly string[]>>;

export const PROJECT_TRANSITIONS: Transitions = {
  PLANNED: ['ACTIVE', 'ARCHIVED'],
  ACTIVE: ['PLANNED', 'DONE'],
  DONE: ['ACTIVE', 'ARCHIVED'],
  ARCHIVED: [],
};

export const TASK_TRANSITIONS: Transitions = {
  OPEN: ['IN_PROGRESS', 'CANCELLED'],
  IN_PROGRESS: ['OPEN', 'DONE', 'CANCELLED'],
  DONE: ['IN_PROGRESS'],
  CANCELLED: [],
};

/**
 * Checks that `resource` may go from one state to another. Staying in a state is always allowed.
 *
 * @throws IllegalTransition with both states and the allowed ones.
 */
export function requireTransition(
  resource: string,
  transitions: Transitions,
  { from, to }: { readonly from: string; readonly to: string },
): void {
  const { [from]: allowed = [] } = transitions;
  if (from !== to && !allowed.includes(to)) throw new IllegalTransition(resource, { from, to, allowed });
}
