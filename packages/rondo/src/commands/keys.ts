import path from 'node:path';
import { defineActions, type RunContext } from '../command.js';
import { asUsage } from '../errors.js';
import { valued } from '../help.js';
import { checkSubject, dataOption, jsonOption, principalOptions, whole } from '../options.js';
import { formatTable } from '../terminal/table.js';

const DAY_MS = 24 * 60 * 60_000;

export const keys = defineActions({
  name: 'keys',
  summary: 'Makes, lists and revokes API keys, by which scripts call without an identity provider.',
  details: [
    'The file has the hash of each key, never the key: create prints it once. Processes whose RONDO_API_KEYS names the file',
    'take what has changed within two seconds.',
  ].join('\n'),
  options: {
    ...principalOptions,
    days: { ...whole('N', 'How many days the key is accepted.', 3_650), default: '90' },
    file: {
      ...valued('FILE', 'The file of the keys; else that of RONDO_API_KEYS, else auth/keys.json in the data folder.'),
      complete: 'files',
    },
    ...dataOption,
    ...jsonOption,
  },
  examples: [
    ['keys create --as nightly-report --scopes sales.read', 'A key for a script. It is shown once.'],
    ['keys revoke 3f9a0c1b22d4', 'This key is refused from now on.'],
  ],
  actions: {
    create: {
      args: {},
      async run({ as, scopes = [], days, ...where }, context) {
        const { changeKeyFile, hashOfApiKey, newApiKey } = await import('@rondo/authentication');
        const now = context.wallClock.now();
        const expires = new Date(now.getTime() + days * DAY_MS).toISOString();
        const { id, text } = newApiKey();
        const key = { id, subject: checkSubject(as), scopes, created: now.toISOString(), expires };
        asUsage(() =>
          changeKeyFile(keyFileOf(where, context), (before) => [...before, { ...key, hash: hashOfApiKey(text) }]),
        );
        return { json: { key: text, ...key }, text: `${text}\n` };
      },
    },
    list: {
      args: {},
      async run(where, context) {
        const { readKeyFile } = await import('@rondo/authentication');
        const file = keyFileOf(where, context);
        const now = context.wallClock.now();
        const found = asUsage(() => readKeyFile(file));
        const shown = found.map(({ hash, ...key }) => ({ ...key, expired: now >= new Date(key.expires) }));
        const rows = shown.map(({ id, subject, scopes, expires, expired }) => {
          return [id, subject, `${expired ? 'expired' : 'until'} ${expires.slice(0, 10)}`, scopes.join(' ')];
        });
        return {
          json: { keys: shown },
          text: rows.length === 0 ? `there are no keys in ${file}\n` : formatTable(rows),
        };
      },
    },
    revoke: {
      args: { ids: '<id> …' },
      missing: 'say which: ids follow revoke, and rondo keys list has them',
      async run({ ids, ...where }, context) {
        const { changeKeyFile } = await import('@rondo/authentication');
        const file = keyFileOf(where, context);
        asUsage(() =>
          changeKeyFile(file, (before) => {
            const missing = ids.filter((id) => !before.some((key) => key.id === id));
            if (missing.length > 0) throw new Error(`${file} has no key ${missing.join(', ')}: rondo keys list`);
            return before.filter(({ id }) => !ids.includes(id));
          }),
        );
        await context.stdout.write(`revoked: ${ids.join(', ')}\n`);
        return undefined;
      },
    },
  },
});

type Where = Readonly<Record<'file' | 'data', string | undefined>>;

function keyFileOf({ file, data }: Where, { directory, dataDirectory, environment }: RunContext): string {
  const configured = file ?? (data === undefined ? environment['RONDO_API_KEYS'] : undefined);
  return configured ? path.resolve(directory, configured) : path.join(dataDirectory, 'auth', 'keys.json');
}
