import path from 'node:path';
import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { checkSubject, dataOption, principalOptions, whole } from '../options.js';
import { messageOf } from '../workspace/errors.js';

export const token = defineCommand({
  name: 'token',
  summary: 'Prints a token by which you call a system that was started with --auth, as any person or program.',
  args: {},
  details: [
    'Its issuer is for development: npm start -- --auth makes it, in the folder auth of the data folder. A reader of that',
    'folder can be anyone. In production, tokens come from an identity provider.',
  ].join('\n'),
  options: {
    ...principalOptions,
    minutes: { ...whole('N', 'How many minutes it is accepted.', 7 * 24 * 60), default: '60' },
    ...dataOption,
  },
  examples: [
    ['token --as ada --scopes sales.read', 'A token for an hour.'],
    ['token --as ada --minutes 1', 'One to try what happens when it expires.'],
  ],
  async run({ as, scopes, minutes }, { dataDirectory, wallClock, stdout }) {
    const { issueDevelopmentToken } = await import('@rondo/authentication');
    const asked = { subject: checkSubject(as), scopes: scopes ?? [], now: wallClock.now(), lifeMs: minutes * 60_000 };
    try {
      await stdout.write(`${await issueDevelopmentToken(path.join(dataDirectory, 'auth'), asked)}\n`);
    } catch (error) {
      throw new UsageError(messageOf(error));
    }
  },
});
