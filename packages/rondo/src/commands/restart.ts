import { didYouMean } from '@rondo/rpc/internal';
import { type CommandContext, defineCommand, type Written } from '../command.js';
import { UsageError } from '../errors.js';
import { askProcesses, type LauncherProcess, requestLauncher } from '../launcher.js';
import { dataDirectoryOf, dataOption, jsonOption } from '../options.js';
import { printable } from '../terminal/text.js';

/** `rondo restart`: drains a process of `npm start`, and starts it again. */
export const restart = defineCommand({
  name: 'restart',
  summary: 'Restarts an instance, a service or PostgreSQL of npm start, and waits until it is ready.',
  usage: '<instance | service | postgres> [--data DIR] [--json]',
  details: [
    'A new process is loaded first. Then the old one is drained, as when the system stops, so that no call fails. If the',
    "new one doesn't start, the old one goes on. A process that stays down because it ended too often is started again,",
    'and its exits are counted anew. In containers: docker compose restart.',
    '',
    'The command tells the launcher, over the socket in its data folder, and waits for at most two minutes. With --json:',
    '{"restarted":[{"name":…,"address":…,"services":[…]}]}.',
  ].join('\n'),
  options: { ...dataOption, ...jsonOption },
  maxPositionals: 1,
  examples: [
    ['restart calculator-2', 'One instance.'],
    ['restart sales', 'All instances of a service.'],
    ['restart postgres', 'The embedded PostgreSQL of npm start.'],
  ],
  exitCodes: {
    OK: 'The process runs again, and is ready.',
    FAILED:
      'No system runs, it has no such process, or the process did not become ready in time; standard error says why.',
  },
  complete: completeName,
  async run({ values, positionals: [name] }, context) {
    if (name === undefined) throw new UsageError('name what to restart: rondo restart calculator-2');
    const dataDirectory = dataDirectoryOf(values.data, context);
    const { signal, stderr } = context;
    const names = namesOf(await askProcesses({ dataDirectory, signal }));
    if (!names.includes(name)) throw unknownName(name, names);
    const onLog = (line: string) => void stderr.write(`${printable(line)}\n`);
    const rows = await requestLauncher({ dataDirectory, signal, onLog, request: { command: 'restart', name } });
    const lines = rows.map((row) => `${printable(row.name)} runs again at ${printable(row.address)}\n`);
    return { json: { restarted: rows }, text: lines.join('') };
  },
});

async function completeName({ values }: Written, context: CommandContext) {
  const dataDirectory = dataDirectoryOf(values['data'], context);
  const processes = await askProcesses({ dataDirectory, signal: context.signal });
  const stateOf = (word: string) => processes.find(({ name }) => name === word)?.state;
  return namesOf(processes).map((word) => ({ word, about: stateOf(word) ?? 'all of its instances' }));
}

/** The names of services, each followed by those of its instances. */
const namesOf = (processes: readonly LauncherProcess[]): readonly string[] => [
  ...new Set(processes.flatMap(({ service, name }) => [service, name])),
];

function unknownName(name: string, names: readonly string[]): Error {
  return new Error(
    `there is nothing called "${name}" to restart.${didYouMean(name, names)} There are: ${names.join(', ')}`,
  );
}
