import type { LauncherProcess } from '@rondo/operate/internal';
import { didYouMean } from '@rondo/rpc/internal';
import { defineCommand } from '../command.js';
import { askProcesses, requestLauncher } from '../launcher.js';
import { dataOption, jsonOption } from '../options.js';
import { printable } from '../terminal/text.js';

export const restart = defineCommand({
  name: 'restart',
  summary: 'Restarts an instance, a service or PostgreSQL of npm start, and waits until it is ready.',
  details: [
    'A new process is loaded first, with what was built last. Then the old one is drained, so that no call fails. If the new one',
    "doesn't start, the old one goes on. A process that stays down because it ended too often is started again, and its exits",
    'are counted anew. The command waits for at most two minutes. In containers: docker compose restart.',
  ].join('\n'),
  options: { ...dataOption, ...jsonOption },
  args: { name: '<instance | service | postgres>' },
  missing: 'name what to restart: rondo restart calculator-2',
  examples: [
    ['restart calculator-2', 'One instance.'],
    ['restart postgres', 'The embedded PostgreSQL of npm start.'],
  ],
  async complete(_, context) {
    const processes = await askProcesses(context);
    const stateOf = (word: string) => processes.find(({ name }) => name === word)?.state;
    return namesOf(processes).map((word) => ({ word, about: stateOf(word) ?? 'all of its instances' }));
  },
  async run({ name }, context) {
    const { dataDirectory, signal, stderr, json, doctor } = context;
    const names = namesOf(await askProcesses(context));
    if (!names.includes(name)) {
      const known = `${didYouMean(name, names)} There are: ${names.join(', ')}`;
      throw new Error(`there is nothing called "${name}" to restart.${known}`);
    }
    const stale = json || name === 'postgres' ? undefined : await (await doctor())?.staleBuild();
    if (stale) await stderr.write(`${printable(stale)}\n`);
    const onLog = (line: string) => void stderr.write(`${printable(line)}\n`);
    const { rows } = await requestLauncher({ dataDirectory, signal, onLog, request: { command: 'restart', name } });
    const lines = rows.map((row) => `${printable(row.name)} runs again at ${printable(row.address)}\n`);
    return { json: { restarted: rows }, text: lines.join('') };
  },
});

/** The names of services, each followed by those of its instances. */
const namesOf = (processes: readonly LauncherProcess[]): readonly string[] => [
  ...new Set(processes.flatMap(({ service, name }) => [service, name])),
];
