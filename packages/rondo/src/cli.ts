import { existsSync } from 'node:fs';
import path from 'node:path';
import { didYouMean } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { withCredentials } from './channels.js';
import type { Command, CommandContext } from './command.js';
import { createComplete } from './commands/completion.js';
import { commands, groups } from './commands/index.js';
import { UsageError } from './errors.js';
import { ExitCode } from './exit-code.js';
import { writeFailure } from './failure.js';
import { formatOverview, paintHelp, wantsHelp } from './help.js';
import { createPaint } from './terminal/terminal.js';
import { printable } from './terminal/text.js';
import { messageOf } from './workspace/errors.js';
import { readJson } from './workspace/files.js';
import { tool } from './workspace/paths.js';

/** Completion scripts run this command. Users don't type it, so help doesn't list it. */
const complete = createComplete(commands);

/** Runs `rondo` with its arguments and resolves to the exit code. It prints errors itself and never rejects. */
export async function runCli(args: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === '--version' || name === '-v') return await print(`${version()}\n`, context);
    if (name === undefined || name === '--help' || name === '-h')
      return await printHelp(formatOverview(groups), context);
    if (name === 'help') return await printHelp(about(rest[0]), context);
    const command = find(name);
    if (wantsHelp(rest)) return await printHelp(command.help, context);
    return await withCredentials(context, () => command.run(rest, context));
  } catch (error) {
    return reportError(error, { args, context });
  }
}

const about = (name = 'help') => (name === 'help' ? formatOverview(groups) : find(name).help);

function find(name: string): Command {
  const command = [...commands, complete].find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  if (name.startsWith('-')) {
    throw new UsageError(`${name}: options come after the command.${didYouMean(name, ['--help', '--version'])}`);
  }
  const names = [...commands.map((candidate) => candidate.name), 'help'];
  throw new UsageError(`there is no command "${name}".${didYouMean(name, names)} There are: ${names.join(', ')}`);
}

const printHelp = (text: string, context: CommandContext) =>
  print(paintHelp(text, createPaint(context.stdout.color)), context);

async function print(text: string, { stdout }: CommandContext): Promise<number> {
  await stdout.write(text);
  return ExitCode.OK;
}

/** Prints an error, without control characters. */
async function reportError(
  error: unknown,
  { args, context }: { readonly args: readonly string[]; readonly context: CommandContext },
): Promise<number> {
  const { stderr, signal } = context;
  const json = args.includes('--json');
  if (signal.aborted && !(error instanceof UsageError)) return ExitCode.INTERRUPTED;
  if (error instanceof RpcError) {
    await writeFailure(error, { stderr, json });
    return ExitCode.FAILED;
  }
  const usage = error instanceof UsageError;
  const message = messageOf(error);
  if (json) await stderr.write(`${JSON.stringify({ error: { code: usage ? 'USAGE' : 'FAILED', message } })}\n`);
  else
    await stderr.write(
      `${createPaint(stderr.color)('red', 'rondo')}: ${message.split('\n').map(printable).join('\n')}\n${usage ? hint(args) : ''}`,
    );
  return usage ? ExitCode.USAGE : ExitCode.FAILED;
}

function hint([name]: readonly string[]): string {
  const command = commands.some((candidate) => candidate.name === name) ? ` ${name}` : '';
  return `See: rondo${command} --help\n`;
}

/** The version of this package. An image has a package.json with no more than that. */
function version(): string {
  const file = path.join(tool, 'package.json');
  return existsSync(file) ? readJson(file).version : 'unknown';
}
