import type { Tool, ToolAnswer, ToolCall, Tools } from '@rondo/mcp';
import { RpcError } from '@rondo/rpc/status';
import type { Command, CommandContext } from '../command.js';
import { describe } from '../commands/describe.js';
import { doctor } from '../commands/doctor.js';
import { jobs } from '../commands/jobs.js';
import { logs } from '../commands/logs.js';
import { pick } from '../commands/pick.js';
import { ps } from '../commands/ps.js';
import { runs } from '../commands/runs.js';
import { trace } from '../commands/trace.js';
import { ExitCode } from '../exit-code.js';
import { writeFailure } from '../failure.js';
import { rendered, type Terminal } from '../terminal/terminal.js';
import { messageOf } from '../workspace/errors.js';

interface CommandTool {
  readonly command: Command;
  /** What it does; by default the summary of the command. */
  readonly about?: string;
  /** The words before the subject. */
  readonly begin?: readonly string[];
  /** The argument of the command: how the tool names it, and what it is. */
  readonly subject?: readonly [name: string, description: string];
  /** The options of the command that an agent may give. */
  readonly options?: readonly string[];
}

const SERVICE = ['service', "A service's name, such as CalculatorService."] as const;
const NAME = ['name', 'A service, or one of its methods, such as CalculatorService/Add.'] as const;
const INSTANCE = ['name', 'A service or an instance, such as sales or sales-1; all by default.'] as const;

/** By name. None changes anything or waits for what comes. */
const TOOLS: ReadonlyMap<string, CommandTool> = new Map<string, CommandTool>([
  ['ps', { command: ps, subject: SERVICE, options: ['check'] }],
  ['why', { command: pick, about: 'Tells why an instance gets no calls.', begin: ['--explain'], subject: SERVICE }],
  ['describe', { command: describe, subject: NAME }],
  ['trace', { command: trace, subject: ['id', 'The id of a trace.'], options: ['slow', 'errors', 'name', 'limit'] }],
  ['logs', { command: logs, subject: INSTANCE, options: ['trace'] }],
  ['doctor', { command: doctor }],
  ['jobs', { command: jobs, about: 'Shows jobs, and when schedules are due.', begin: ['ls'], subject: SERVICE }],
  ['runs', { command: runs, about: 'Shows the runs of workflows.', begin: ['ls'], subject: SERVICE }],
]);

/** The commands that change nothing, as tools of an agent. They print what they print for a person. */
export function commandTools(context: CommandContext): Tools {
  return {
    caller: '',
    list: () => ({ tools: [...TOOLS].map(([name, tool]) => toTool(name, tool)), isLast: true }),
    find(name) {
      const tool = TOOLS.get(name);
      return tool && toTool(name, tool);
    },
    call: (call) => run(call, context),
  };
}

function toTool(name: string, { command, about, subject, options = [] }: CommandTool): Tool {
  const properties = Object.fromEntries([
    ...(subject ? [[subject[0], { type: 'string', description: subject[1] }]] : []),
    ...options.map((option) => {
      const { type, description } = command.options[option] ?? {};
      return [option, { type, description }];
    }),
  ]);
  return {
    name,
    description: about ?? command.summary,
    readOnly: true,
    idempotent: true,
    confirm: false,
    input: { type: 'object', properties, additionalProperties: false },
  };
}

async function run({ name, arguments: given, signal }: ToolCall, context: CommandContext): Promise<ToolAnswer> {
  const tool = TOOLS.get(name);
  if (tool === undefined) throw new TypeError(`there is no tool ${name}`);
  const { terminal, text } = capture(tool.command === logs);
  try {
    const code = await tool.command.run(wordsOf(tool, given), {
      ...context,
      stdout: terminal,
      stderr: terminal,
      signal,
    });
    return { text: text(), failed: code !== ExitCode.OK };
  } catch (error) {
    if (error instanceof RpcError) await writeFailure(error, { stderr: terminal, json: false });
    else await terminal.write(`${messageOf(error)}\n`);
    return { text: text(), failed: true };
  }
}

/** The command line of a call. No value is taken for an option, whatever it begins with. */
function wordsOf(
  { command, begin = [], subject, options = [] }: CommandTool,
  given: ToolCall['arguments'],
): readonly string[] {
  const { [subject?.[0] ?? '']: named, ...others } = given;
  const words = Object.entries(others).map(([key, value]) => {
    if (!options.includes(key) || typeof value !== command.options[key]?.type)
      throw new TypeError(`the argument ${key} isn't one of this tool, or has another type`);
    return value === false ? [] : [value === true ? `--${key}` : `--${key}=${value}`];
  });
  return [...words.flat(), ...begin, '--', ...(named === undefined ? [] : [String(named)])];
}

/** The most of an output that an agent gets. */
const MAX_BYTES = 64 * 1024;

/**
 * A terminal that keeps what is written, up to 64 KiB.
 *
 * @param keepsEnd Whether the end is kept, not the beginning.
 */
export function capture(keepsEnd = false) {
  let kept = Buffer.alloc(0);
  let sizeBytes = 0;
  const terminal: Terminal = {
    color: false,
    live: false,
    async write(text) {
      const bytes = Buffer.from(rendered(text, { color: false }));
      sizeBytes += bytes.length;
      const all = Buffer.concat([kept, bytes]);
      kept = keepsEnd ? all.subarray(-MAX_BYTES) : all.subarray(0, MAX_BYTES);
    },
  };
  return {
    terminal,
    /** What is kept, and how much is left out. */
    text(): string {
      const left = sizeBytes - kept.length;
      const note = `(${left} bytes ${keepsEnd ? 'before' : 'after'} this are left out: ask for less)\n`;
      const text = kept.toString();
      if (left === 0) return text;
      return keepsEnd ? note + text : `${text}\n${note}`;
    },
  };
}
