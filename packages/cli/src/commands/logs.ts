import path from 'node:path';
import { type CommandContext, defineCommand } from '../command.js';
import { ExitCode } from '../exit-code.js';
import { formatLogLine, listLogs, logNames, readLogs, selectLogs, unknownLog } from '../logs/index.js';
import { dataDirectoryOf, dataOption, jsonOption } from '../options.js';
import { createPaint } from '../terminal/index.js';

/** `rondo logs`: what the processes of `npm start` log. */
export const logs = defineCommand({
  name: 'logs',
  summary: 'Prints the logs of what npm start runs, by time; -f follows them.',
  usage: '[service | instance] [-f] [--data DIR] [--json]',
  details: 'Times are UTC. In containers: docker compose logs.',
  options: {
    follow: { type: 'boolean', short: 'f', description: 'Go on with what is written later, until Ctrl-C.' },
    ...dataOption,
    ...jsonOption,
  },
  maxPositionals: 1,
  examples: [
    ['logs -f', 'Everything, as it happens.'],
    ['logs calculator', 'All calculators, from their start.'],
    ['logs sales-1 --json | jq .msg', 'One instance, as it was written.'],
  ],
  async complete({ values }, context) {
    return logNames(await listLogs(logFolder(values['data'], context))).map((word) => ({ word }));
  },
  exitCodes: { OK: 'All is printed, or Ctrl-C ended what was followed.' },
  async run({ values, positionals: [name] }, context) {
    const { stdout, clock, signal } = context;
    const folder = logFolder(values.data, context);
    const instances = await listLogs(folder);
    if (instances.length === 0) {
      throw new Error(`there are no logs in ${folder}: npm start writes them; --data says where`);
    }
    const chosen = selectLogs(name, instances);
    if (name !== undefined && chosen.length === 0) throw unknownLog(name, instances);
    const width = Math.max(...chosen.map((instance) => instance.length));
    const paint = createPaint(stdout.color);
    for await (const line of readLogs({ folder, name, follow: values.follow ?? false, clock, signal })) {
      if (signal.aborted) break;
      await stdout.write(`${values.json ? line.text : formatLogLine(line, width, paint)}\n`);
    }
    return ExitCode.OK;
  },
});

const logFolder = (data: string | undefined, context: CommandContext) =>
  path.join(dataDirectoryOf(data, context), 'logs');
