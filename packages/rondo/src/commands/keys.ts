import path from 'node:path';
import { type CommandContext, defineCommand, type Printed } from '../command.js';
import { UsageError } from '../errors.js';
import { valued } from '../help.js';
import {
  authFolder,
  checkSubject,
  dataOption,
  jsonOption,
  positiveInteger,
  principalOptions,
  scopeList,
} from '../options.js';
import { formatTable } from '../terminal/table.js';
import { messageOf } from '../workspace/errors.js';

const DAY_MS = 24 * 60 * 60_000;
const DAYS = 90;
const MAX_DAYS = 3_650;
const ACTIONS = ['create', 'list', 'revoke'] as const;

/** `rondo keys`: API keys of programs outside of the system. */
export const keys = defineCommand({
  name: 'keys',
  summary: 'Makes, lists and revokes API keys, by which scripts call without an identity provider.',
  usage: '<create|list|revoke> [id…] [--as NAME] [--scopes LIST] [--days N] [--file FILE] [--data DIR] [--json]',
  details: [
    'The file has the hash of each key, never the key: create prints it once. Processes whose RONDO_API_KEYS names the file',
    'take what has changed within two seconds.',
  ].join('\n'),
  options: {
    ...principalOptions,
    days: valued('N', `How long the key is accepted: 1 to ${MAX_DAYS} days, ${DAYS} by default.`),
    file: {
      ...valued(
        'FILE',
        'The file of the keys; by default that of RONDO_API_KEYS, or auth/keys.json in the data folder.',
      ),
      complete: 'files',
    },
    ...dataOption,
    ...jsonOption,
  },
  maxPositionals: 64,
  examples: [
    ['keys create --as nightly-report --scopes sales.read', 'A key for a script. It is shown once.'],
    ['keys list', 'The keys, without their secrets.'],
    ['keys revoke 3f9a0c1b22d4', 'This key is refused from now on.'],
  ],
  async run({ values, positionals }, context) {
    const [action = '', ...ids] = positionals;
    const file = keyFileOf(values, context);
    if (action === 'create' && ids.length === 0) return create(file, values, context);
    if (action === 'list' && ids.length === 0) return list(file, context);
    if (action === 'revoke' && ids.length > 0) return revoke(file, ids, context);
    throw new UsageError(`say what to do: rondo keys ${ACTIONS.join(', ')}; ids follow revoke only`);
  },
});

interface Values {
  readonly as?: string | undefined;
  readonly scopes?: string | undefined;
  readonly days?: string | undefined;
  readonly file?: string | undefined;
  readonly data?: string | undefined;
}

function keyFileOf({ file, data }: Values, context: CommandContext): string {
  if (file !== undefined) return path.resolve(context.directory, file);
  const configured = data === undefined ? context.environment['RONDO_API_KEYS'] : undefined;
  return configured ? path.resolve(context.directory, configured) : path.join(authFolder(data, context), 'keys.json');
}

async function create(file: string, { as, scopes, days }: Values, { wallClock }: CommandContext): Promise<Printed> {
  const { changeKeyFile, hashOfApiKey, newApiKey } = await import('@rondo/authentication');
  const subject = checkSubject(as);
  const now = wallClock.now();
  const lifeMs = (positiveInteger('days', days, MAX_DAYS) ?? DAYS) * DAY_MS;
  const { id, text } = newApiKey();
  const key = {
    id,
    hash: hashOfApiKey(text),
    subject,
    scopes: scopeList(scopes),
    created: now.toISOString(),
    expires: new Date(now.getTime() + lifeMs).toISOString(),
  };
  await change(() => changeKeyFile(file, (before) => [...before, key]));
  const { hash, ...shown } = key;
  return { json: { key: text, ...shown }, text: `${text}\n` };
}

async function list(file: string, { wallClock }: CommandContext): Promise<Printed> {
  const { readKeyFile } = await import('@rondo/authentication');
  const found = await change(() => readKeyFile(file));
  const shown = found.map(({ hash, ...key }) => ({ ...key, expired: wallClock.now() >= new Date(key.expires) }));
  const rows = shown.map(({ id, subject, scopes, expires, expired }) => {
    return [id, subject, `${expired ? 'expired' : 'until'} ${expires.slice(0, 10)}`, scopes.join(' ')];
  });
  return { json: { keys: shown }, text: rows.length === 0 ? `there are no keys in ${file}\n` : formatTable(rows) };
}

async function revoke(file: string, ids: readonly string[], { stdout }: CommandContext): Promise<undefined> {
  const { changeKeyFile } = await import('@rondo/authentication');
  await change(() =>
    changeKeyFile(file, (before) => {
      const missing = ids.filter((id) => !before.some((key) => key.id === id));
      if (missing.length > 0) throw new Error(`${file} has no key ${missing.join(', ')}: rondo keys list`);
      return before.filter(({ id }) => !ids.includes(id));
    }),
  );
  await stdout.write(`revoked: ${ids.join(', ')}\n`);
}

/** A fault of the file is the user's to mend. */
async function change<T>(work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}
