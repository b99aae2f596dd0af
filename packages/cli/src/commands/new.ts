import path from 'node:path';
import type { CreatedService, UpdatedService } from '@rondo/scaffold';
import { type Arguments, type CommandContext, defineCommand } from '../command.js';
import { ExitCode } from '../exit-code.js';
import { askStatus, type LauncherRequest, requestLauncher } from '../launcher.js';
import { dataDirectoryOf, dataOption, jsonOption, positiveInteger } from '../options.js';
import { createStepProgress, firstLines, type Output, completeService, loadScaffold, serviceNamed, workOnTree } from '../scaffold.js';
import { messageOf, UsageError } from '../errors.js';

const options = {
  proto: {
    type: 'string',
    placeholder: 'FILE',
    complete: 'files',
    description: 'The contract; by default proto/<name>/v1/<name>.proto, where there is none a commented starter.',
  },
  'proto-path': {
    type: 'string',
    placeholder: 'DIR',
    complete: 'folders',
    multiple: true,
    description:
      "A folder that the contract's imports start from, before those above it; found out where none is given.",
  },
  'with-database': {
    type: 'boolean',
    description: 'Give it a PostgreSQL database of its own, with a first migration.',
  },
  start: { type: 'boolean', description: 'Start it into the system that is running (npm start).' },
  'skip-test': { type: 'boolean', description: "Don't run the test that is written with it." },
  port: {
    type: 'string',
    placeholder: 'N',
    description: 'Where it listens; the next free port from 50060 by default.',
  },
  ...dataOption,
  ...jsonOption,
} as const;

/** `rondo new service`: from a contract to a service that runs. */
export const create = defineCommand({
  name: 'new',
  summary: 'Makes a service from a .proto, or brings one up to date with it.',
  usage: 'service <name> [--proto FILE] [--with-database] [--start] [options]',
  details: [
    'Writes services/<name>: generated, wired, tested, in compose. Its methods answer UNIMPLEMENTED and say in which file',
    'they belong. A contract that was published elsewhere keeps its package, names and style. The files that it imports, from',
    'beside it or from a folder above it, are copied with it.',
    '',
    'Run it again after the .proto has changed: new methods get stubs, edited lines stay as they are, and what is to be',
    'removed by hand is listed. Where anything fails, the tree is as it was.',
    '',
    'The test of a new service is run last. If it fails, the service stays as it was made.',
    '',
    'With --json a line says what was made and, with --start, another what runs.',
  ].join('\n'),
  options,
  maxPositionals: 2,
  examples: [
    ['new service greeter', 'A service with a contract to begin with: proto/greeter/v1/greeter.proto.'],
    ['new service greeter --proto ~/helloworld.proto --start', 'From a contract, and started: call it at once.'],
    ['new service billing --with-database', 'One that keeps something.'],
    ['new service greeter', 'Again, after its .proto was edited: stubs for what is new.'],
  ],
  exitCodes: {
    FAILED: 'Refused, or failed, or the test of the new service fails: standard error says why.',
    INTERRUPTED: 'Ctrl-C: the tree is as it was, unless the service was made already.',
  },
  complete: async ({ positionals }, { repository }) => completeService(positionals, repository),
  async run({ values, positionals }, context) {
    const name = serviceNamed(positionals, 'new');
    if (values.proto === undefined && values['proto-path'] !== undefined) {
      throw new UsageError('--proto-path belongs to a --proto FILE');
    }
    const port = positiveInteger('port', values.port);
    const { checkName, newService, testService } = await loadScaffold('new service');
    checkName(name);
    const telling = { json: values.json ?? false, context };
    const dataDirectory = dataDirectoryOf(values.data, context);
    const { signal } = context;
    if (values.start) await askStatus({ dataDirectory, signal });
    const source = sourceOf(values, context);
    const withDatabase = values['with-database'] ?? false;
    const made = await workOnTree(`new service ${name}`, telling, (on) =>
      newService({ ...on, name, port, source, withDatabase }),
    );
    await report(made, telling, values.start ?? false);
    if (made.kind === 'updated' && made.complaints !== undefined) return ExitCode.FAILED;
    if (values.start) await startInto(dataDirectory, made, telling);
    if (made.kind === 'created' && !values['skip-test']) {
      await test(name, telling, () => testService({ root: context.repository, signal }, name));
    }
    return ExitCode.OK;
  },
});

type Made = CreatedService | UpdatedService;
type Values = Arguments<typeof options>['values'];

function sourceOf({ proto, 'proto-path': importRoots }: Values, { directory }: CommandContext) {
  if (proto === undefined) return undefined;
  const located = (file: string) => (directory === process.cwd() ? file : path.resolve(directory, file));
  return {
    kind: 'file' as const,
    path: located(proto),
    ...(importRoots !== undefined && { importRoots: importRoots.map(located) }),
  };
}

async function report(made: Made, { json, context: { stdout, stderr } }: Output, starts: boolean): Promise<void> {
  if (json) {
    await stdout.write(`${JSON.stringify(made)}\n`);
    return;
  }
  await stdout.write(made.kind === 'created' ? describeCreated(made, starts) : describeUpdated(made));
  if (made.kind === 'updated' && made.complaints !== undefined) await stderr.write(firstLines(made.complaints));
}

function describeCreated({ service, port, files, methods, exempt }: CreatedService, starts: boolean): string {
  const folder = `services/${service}/`;
  const [first] = methods;
  const next =
    first === undefined
      ? []
      : [
          `  ${first.file}`,
          `      Write ${first.method} there; until then it answers UNIMPLEMENTED.`,
          `  ./rondo call ${first.method} '{}'`,
          starts ? '      Calls it.' : `      Calls it, where it runs: npm start has it at 127.0.0.1:${port}.`,
        ];
  return lines([
    `Made services/${service}:`,
    ...files.filter((file) => file.startsWith(folder)).map((file) => `  ${file}`),
    'and what names it:',
    ...files.filter((file) => !file.startsWith(folder)).map((file) => `  ${file}`),
    ...describeExempt(exempt),
    '',
    'Next:',
    ...next,
    `  npm test -- services/${service}`,
    '      Its test, which the first method you write changes.',
  ]);
}

function describeUpdated({ service, files, methods, exempt, byHand, breaks, complaints }: UpdatedService): string {
  if (files.length + byHand.length + breaks.length === 0 && complaints === undefined) {
    return lines([`services/${service} is there already, and up to date with its contracts: nothing to do.`]);
  }
  return lines([
    files.length === 0 ? `services/${service}: nothing was to be written.` : `Brought services/${service} up to date:`,
    ...files.map((file) => `  ${file}`),
    ...describeExempt(exempt),
    ...(methods.length === 0 ? [] : ['', 'To be written:']),
    ...methods.map(({ method, file }) => `  ${method} in ${file}`),
    ...(byHand.length === 0 ? [] : ['', 'To be done by hand:']),
    ...byHand.map((what) => `  ${what}`),
    ...(breaks.length === 0 ? [] : ['', "It breaks main's clients, which npm run check refuses:"]),
    ...breaks.map((what) => `  ${what}`),
    ...(complaints === undefined ? [] : ['', 'It does not build before the code follows:']),
  ]);
}

const describeExempt = (exempt: readonly string[]) =>
  exempt.map((contract) => `proto/${contract} keeps its own style: buf.yaml says so.`);

const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');

async function test(name: string, telling: Output, work: () => Promise<void>): Promise<void> {
  try {
    await createStepProgress(telling).step('test', work);
  } catch (error) {
    const message = `services/${name} is made, but its test fails; run it again: npm test -- services/${name}`;
    throw new Error(message, { cause: error });
  }
}

/** The service stays where it doesn't start: what was made is in order, and the reason is told. */
async function startInto(dataDirectory: string, { kind, service }: Made, telling: Output): Promise<void> {
  const { json, context } = telling;
  const { stdout, stderr, signal } = context;
  const onLog = (line: string) => void stderr.write(`${line}\n`);
  // One that runs already serves what it was before.
  const request: LauncherRequest =
    kind === 'created' ? { command: 'start', service } : { command: 'restart', name: service };
  const begin = () => requestLauncher({ dataDirectory, request, signal, ...(!json && { onLog }) });
  const progress = createStepProgress(telling);
  const rows = await progress.step('start', begin).catch((error) => {
    const message = messageOf(error);
    const [reason, ...lastWords] = json ? [message] : message.split('\n');
    if (lastWords.length > 0) onLog(lastWords.join('\n'));
    throw new Error(`services/${service} is in order, but doesn't start: ${reason}`, { cause: error });
  });
  const told = rows.map(({ name, address, services }) => `${name} runs at ${address}: ${services.join(', ')}`);
  await stdout.write(json ? `${JSON.stringify({ instances: rows })}\n` : lines(told));
}
