import { spawn } from 'node:child_process';
import { type CommandContext, defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-code.js';
import { flag } from '../help.js';
import { requestLauncher } from '../launcher.js';
import { dataOption } from '../options.js';
import { printable } from '../terminal/text.js';
import { codeOf } from '../workspace/errors.js';

const EXAMPLE = 'say what to do, and name a service: rondo db reset billing, or rondo db shell billing';

export const db = defineCommand({
  name: 'db',
  summary: "Empties a service's database of npm start, or opens psql in it.",
  details: [
    'reset removes all data of the service and applies its migrations anew, as after an edit of one that was applied. It',
    'needs a running system, npm start or rondo dev, and refuses a server of your own (RONDO_DATABASE_ADMIN_URL).',
    'shell runs psql as the role of the service; it reads statements from standard input, too.',
  ].join('\n'),
  options: { yes: flag('Reset without a question.'), ...dataOption },
  examples: [
    ['db reset billing', 'After a question, begins with an empty database.'],
    ['db shell billing < count.sql', 'psql in the database of billing, for a script.'],
  ],
  args: { action: '<reset | shell>', service: '<service>' },
  missing: EXAMPLE,
  exitCodes: { FAILED: 'No system runs, the answer was no, or it failed; standard error says why.' },
  async run({ action, service, yes }, context) {
    if (action !== 'reset' && action !== 'shell') throw new UsageError(EXAMPLE);
    const { dataDirectory, stdout, stderr, signal } = context;
    const system = { dataDirectory, signal };
    const found = await requestLauncher({ ...system, request: { command: 'database', service } });
    if (action === 'shell') return await psql(new URL(found.rows[0]?.address ?? ''), context);
    if (!yes && !(await isAgreed(service, context))) return ExitCode.FAILED;
    const onLog = (line: string) => void stderr.write(`${printable(line)}\n`);
    const { rows } = await requestLauncher({ ...system, onLog, request: { command: 'reset', service } });
    await stdout.write(rows.map(({ name }) => `${printable(name)} runs with an empty database\n`).join(''));
    return ExitCode.OK;
  },
});

async function isAgreed(service: string, { stdin, stderr }: CommandContext): Promise<boolean> {
  await stderr.write(`This removes all data of ${service} on this machine. Go on? [y/N] `);
  let answer = '';
  for await (const bytes of stdin.read()) {
    answer += Buffer.from(bytes).toString();
    if (answer.includes('\n')) break;
  }
  if (/^\s*y(?:es)?\s*$/im.test(answer)) return true;
  await stderr.write('Nothing was changed. --yes answers the question.\n');
  return false;
}

/** Runs psql on this terminal. The password is in the environment, which other users don't see. */
function psql(url: URL, { environment }: CommandContext): Promise<number> {
  const others = Object.entries(environment).filter(([name]) => !name.startsWith('PG'));
  const env = {
    ...Object.fromEntries(others),
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGUSER: url.username,
    PGPASSWORD: url.password,
    PGDATABASE: url.pathname.slice(1),
  };
  const child = spawn('psql', [], { env, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const { href } = Object.assign(new URL(url), { password: '' });
      const password = 'the password is in passwords.json of the data folder';
      const why = `psql is not installed: install PostgreSQL's client, or open ${href} with another; ${password}`;
      reject(codeOf(error) === 'ENOENT' ? new Error(why) : error);
    });
    child.once('exit', (code) => resolve(code ?? ExitCode.FAILED));
  });
}
