import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { valued } from '../help.js';
import { authFolder, checkSubject, dataOption, positiveInteger, principalOptions, scopeList } from '../options.js';
import { messageOf } from '../workspace/errors.js';

const MINUTE_MS = 60_000;
const MINUTES = 60;
const MAX_MINUTES = 7 * 24 * 60;

/** `rondo token`: tokens for development. */
export const token = defineCommand({
  name: 'token',
  summary: 'Prints a token by which you call a system that was started with --auth, as any person or program.',
  usage: '--as NAME [--scopes LIST] [--minutes N] [--data DIR]',
  details: [
    'Its issuer is for development: npm start -- --auth makes it, in the folder auth of the data folder. A reader of that',
    'folder can be anyone. In production, tokens come from an identity provider.',
  ].join('\n'),
  options: {
    ...principalOptions,
    minutes: valued('N', `How long it is accepted: 1 to ${MAX_MINUTES} minutes, ${MINUTES} by default.`),
    ...dataOption,
  },
  maxPositionals: 0,
  examples: [
    ['token --as ada --scopes sales.read', 'A token for an hour.'],
    ['token --as ada --minutes 1', 'One to try what happens when it expires.'],
  ],
  async run({ values }, context) {
    const { issueDevelopmentToken } = await import('@rondo/authentication');
    const subject = checkSubject(values.as);
    const scopes = scopeList(values.scopes);
    const lifeMs = (positiveInteger('minutes', values.minutes, MAX_MINUTES) ?? MINUTES) * MINUTE_MS;
    const folder = authFolder(values.data, context);
    try {
      const text = await issueDevelopmentToken(folder, { subject, scopes, now: context.wallClock.now(), lifeMs });
      await context.stdout.write(`${text}\n`);
    } catch (error) {
      throw new UsageError(messageOf(error));
    }
  },
});
