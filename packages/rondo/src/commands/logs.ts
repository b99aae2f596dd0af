import path from 'node:path';
import { type CommandContext, defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { flag, valued } from '../help.js';
import { formatLogLine } from '../logs/log-line.js';
import { listLogs, logNames, readLogs, selectLogs, unknownLog } from '../logs/read-logs.js';
import { dataOption, jsonOption } from '../options.js';
import { createPaint } from '../terminal/terminal.js';

export const logs = defineCommand({
  name: 'logs',
  summary: 'Prints the logs of the processes of npm start, ordered by time; -f follows them.',
  details: [
    'An error is followed by its stack and its causes. Times are UTC. A log begins when its process starts; the log before it',
    'is kept as .log.previous. In containers: docker compose logs.',
  ].join('\n'),
  options: {
    follow: { ...flag('Also print what is written later, until Ctrl-C.'), short: 'f' },
    trace: {
      ...valued('ID', 'Print only the lines of one trace, of all services. An internal error names its trace.'),
      read: readTraceId,
    },
    ...dataOption,
    ...jsonOption,
  },
  args: { name: '[service | instance]' },
  examples: [
    ['logs -f', 'All logs, as they are written.'],
    ['logs --trace 0af7651916cd43dd8448eb211c80319c', 'One call, in all services.'],
    ['logs sales-1 --json | jq .msg', 'One instance, in the form that it wrote.'],
  ],
  complete: async (_, context) => logNames(await listLogs(logFolder(context))).map((word) => ({ word })),
  async run({ name, follow, trace: traceId }, context) {
    const { stdout, json, clock, signal } = context;
    const folder = logFolder(context);
    const instances = await listLogs(folder);
    if (instances.length === 0) {
      throw new Error(`there are no logs in ${folder}: npm start writes them; --data names its folder`);
    }
    const chosen = selectLogs(name, instances);
    if (name !== undefined && chosen.length === 0) throw unknownLog(name, instances);
    const width = Math.max(...chosen.map((instance) => instance.length));
    const paint = createPaint(stdout.color);
    let found = 0;
    for await (const line of readLogs({ folder, name, follow, clock, signal })) {
      if (signal.aborted) break;
      if (traceId !== undefined && !line.text.includes(traceId)) continue; // as the console says
      found += 1;
      await stdout.write(`${json ? line.text : formatLogLine(line, width, paint)}\n`);
    }
    if (traceId !== undefined && found === 0 && !signal.aborted) {
      const why = 'was it another system, or has a process restarted since?';
      throw new Error(`no line in ${folder} has trace ${traceId}: ${why}`);
    }
    return undefined;
  },
});

/** W3C Trace Context: 32 hexadecimal digits. */
function readTraceId(text: string): string {
  if (/^[\da-f]{32}$/i.test(text)) return text.toLowerCase();
  throw new UsageError(`--trace ${text}: must be a trace id: 32 hexadecimal digits, as in an internal error`);
}

const logFolder = ({ dataDirectory }: CommandContext) => path.join(dataDirectory, 'logs');
