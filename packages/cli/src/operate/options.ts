import type { CommandContext } from '../command.js';

/** The option of every command that takes an instance out. */
export const reasonOption = {
  reason: {
    type: 'string',
    placeholder: 'TEXT',
    description: 'Why, for those who look: at most 256 characters; by default who did it.',
  },
} as const;

/** The option that has a command do what leaves nobody to serve a service. */
export const forceOption = {
  force: { type: 'boolean', description: 'Also where nobody is left to serve some service.' },
} as const;

/** What stands for a reason where none was given. */
export const defaultReason = ({ environment }: CommandContext): string => {
  const user = environment['USER'] ?? environment['USERNAME'] ?? '';
  return user === '' ? '' : `by ${user}`;
};
