import path from 'node:path';
import { type Arguments, type CommandContext, defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-code.js';
import { flag, valued } from '../help.js';
import { askStatus, registryOn } from '../launcher.js';
import { dataDirectoryOf, dataOption, jsonOption, positiveInteger } from '../options.js';
import type { CreatedService, UpdatedService } from '../scaffold/index.js';
import {
  completeService,
  lines,
  loadScaffold,
  type Output,
  serviceNamed,
  startInto,
  test,
  workOnTree,
} from '../tree-work.js';
import { excerpt } from '../workspace/steps.js';
import { createBackground, isBackground } from './new-background.js';
import { createResource } from './new-resource.js';

const options = {
  proto: {
    ...valued(
      'FILE',
      'The contract; by default proto/<name>/v1/<name>.proto, which is made with comments if it is missing.',
    ),
    complete: 'files',
  },
  'proto-path': {
    ...valued(
      'DIR',
      'A folder that imports are searched in first; may be repeated. Then come the folders above the contract.',
    ),
    complete: 'folders',
    multiple: true,
  },
  'with-database': flag('Give the service a PostgreSQL database, with a first migration.'),
  resource: valued(
    'NAME',
    'Make the service, with a database, of this resource (--fields) in place of a contract to begin with.',
  ),
  fields: valued(
    'LIST',
    "Of a resource: 'title:string! sku:string@unique tags:string[] status:enum(NEW,OLD) author:ref(author)'.",
  ),
  parent: valued('NAME', 'The resource of which a new one is part.'),
  service: valued(
    'NAME',
    'The service of what is added; by default that of the current folder, or the only one with a database.',
  ),
  start: flag('Start the service in the running system (npm start).'),
  'skip-test': flag("Don't run the service's test."),
  port: valued('N', 'The port of the service; by default the next free one from 50060.'),
  ...dataOption,
  ...jsonOption,
} as const;

const KINDS = ['service', 'resource', 'job', 'topic', 'subscription'];

/** `rondo new`: makes a running service of a contract. */
export const create = defineCommand({
  name: 'new',
  summary: 'Makes a service, updates it after its .proto has changed, or adds a resource, job, topic or subscription.',
  usage:
    'service <name> [--proto FILE] [--with-database] | resource | job | topic <name> | subscription <topic> [options]',
  details: [
    'It writes services/<name>, with generated code, wiring, a test and an entry in docker-compose.yml. The methods answer',
    'UNIMPLEMENTED and name the file to write them in. A contract that was published elsewhere keeps its package, names and',
    'style. The files that it imports, from its folder or a folder above, are copied too.',
    '',
    'With --with-database, the resources of a contract are served: messages with google.api.resource whose standard methods it has',
    '(google.aip.dev/130) get a table, a definition and a test, and only the other methods answer UNIMPLEMENTED.',
    '',
    'rondo new resource adds such a resource to a service, with its contract; a service without a database gets one. The types of',
    'fields are string, bool, bytes, int32, int64, uint64, float, double, timestamp, duration, date, money, decimal, enum(A,B) and',
    'ref(RESOURCE). [] makes a list, ! a required field, @unique and @immutable say what they do.',
    '',
    'rondo new job, topic and subscription write contract, handler and test. They print the lines to add to app.ts; rondo check',
    'fails until they are there.',
    '',
    'Run it again after the .proto has changed: new methods get stubs, edited lines stay as they are, and the output lists',
    'what to remove by hand. If a step fails, the tree is as it was.',
    '',
    'The last step runs the test of a new service. If the test fails, the service stays.',
    '',
    'With --json the output is one line for what was made and, with --start, another for what runs.',
    '',
    'All is checked before the first byte is written; what fails later, or is ended by Ctrl-C, is taken back, packages and',
    'generated code included. The next rondo new, rondo remove or rondo dev takes back the changes of a run that was killed.',
    '.rondo/written.json remembers what was written. With --json, {"kind":"created",…} or {"kind":"updated",…} has files,',
    'methods (each with the file of its handler), exempt (contracts that keep a style of their own) and, for an update,',
    "byHand, breaks (what main's clients rely on and is gone, in buf's words) and complaints (the compiler's).",
  ].join('\n'),
  options,
  maxPositionals: 2,
  examples: [
    ['new service greeter', 'A service with a contract to begin with: proto/greeter/v1/greeter.proto.'],
    [
      'new service greeter --proto ~/helloworld.proto --start',
      'A service from a contract, started: it can be called at once.',
    ],
    ['new service billing --with-database', 'A service that stores data.'],
    ["new service hotel --resource booking --fields 'guest:string!'", 'A service of one resource.'],
    [
      "new resource book --fields 'title:string! price:money'",
      'A resource at /v1/books: get, list, create, update, delete, watch.',
    ],
    ['new job remind-guests --service hotel', 'A stored call of a method of the service.'],
    ['new topic room-booked --service hotel', 'An event that the service publishes.'],
    ['new subscription hotel.v1.RoomBooked --service kitchen', 'A method that is called with each event.'],
    ['new service greeter', 'Again, after its .proto was edited: stubs for new methods.'],
  ],
  exitCodes: {
    FAILED: 'Refused or failed, or the test of the new service fails; standard error says why.',
    INTERRUPTED: 'Ctrl-C ended the command: the tree is as it was, unless the service was made already.',
  },
  async complete({ positionals }, { repository }) {
    const [kind] = positionals;
    if (kind === undefined) return KINDS.map((word) => ({ word }));
    return kind === 'service' ? completeService(positionals, repository) : [];
  },
  async run({ values, positionals }, context) {
    const [kind, given] = positionals;
    if (isBackground(kind)) return createBackground(kind, { ...values, name: given }, context);
    if (kind === 'resource') return createResource({ ...values, name: given }, context);
    const name = serviceNamed(positionals, 'new');
    if (values.proto === undefined && values['proto-path'] !== undefined) {
      throw new UsageError('--proto-path needs --proto FILE');
    }
    const port = positiveInteger('port', values.port);
    const { checkName, followServices, newService, testService } = await loadScaffold('new service');
    checkName(name);
    const output = { json: values.json ?? false, context };
    const dataDirectory = dataDirectoryOf(values.data, context);
    const { signal } = context;
    if (values.start) await askStatus({ dataDirectory, signal });
    const source = sourceOf(values, context);
    const resource = values.resource === undefined ? undefined : { name: values.resource, fields: values.fields ?? '' };
    if (resource !== undefined && source !== undefined) throw new UsageError('give --proto or --resource, not both');
    const withDatabase = values['with-database'] ?? resource !== undefined;
    const made = await workOnTree(`new service ${name}`, output, (on) =>
      newService({ ...on, name, port, source, withDatabase, resource }),
    );
    const lacking = followServices(context.repository);
    const registry = values.data === undefined ? undefined : await registryOn(dataDirectory);
    await report(made, output, { starts: values.start ?? false, registry });
    if (!output.json) for (const line of lacking) await context.stdout.write(`${line}\n`);
    if (made.kind === 'updated' && made.complaints !== undefined) return ExitCode.FAILED;
    if (values.start) await startInto(dataDirectory, made, output);
    if (made.kind === 'created' && !values['skip-test']) {
      await test(name, output, () => testService({ root: context.repository, tool: context.tool, signal }, name));
    }
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

/** Where the service can be called. */
interface Calling {
  /** Whether it is started now. */
  readonly starts: boolean;
  /** The registry of the system that `--data` names. */
  readonly registry: string | undefined;
}

async function report(made: Made, { json, context: { stdout, stderr } }: Output, calling: Calling): Promise<void> {
  if (json) {
    await stdout.write(`${JSON.stringify(made)}\n`);
    return;
  }
  await stdout.write(made.kind === 'created' ? describeCreated(made, calling) : describeUpdated(made));
  if (made.kind === 'updated' && made.complaints !== undefined) await stderr.write(`${excerpt(made.complaints)}\n`);
}

/** What `rondo new service` says of a service that it has made. */
export function describeCreated(
  { service, port, files, methods, exempt, refusesEmpty, unserved, byHand }: CreatedService,
  { starts, registry }: Calling,
): string {
  const folder = `services/${service}/`;
  const [first] = methods;
  const whileItRuns = ` while it runs${registry ? '' : `: npm start serves it at 127.0.0.1:${port}`}`;
  const flag = registry === undefined ? '' : ` --registry ${registry}`;
  const next =
    first === undefined
      ? []
      : [
          `  ${first.file}`,
          `      Write ${first.method} there; until then it answers UNIMPLEMENTED.`,
          `  ./rondo ${refusesEmpty ? `describe ${first.method}` : `call ${first.method} '{}'`}${flag}`,
          `      ${refusesEmpty ? 'Prints its messages, and a call to start from' : 'Calls it'}${starts ? '' : whileItRuns}.`,
        ];
  return lines([
    `Made services/${service}:`,
    ...files.filter((file) => file.startsWith(folder)).map((file) => `  ${file}`),
    'and the files that name it:',
    ...files.filter((file) => !file.startsWith(folder)).map((file) => `  ${file}`),
    ...describeExempt(exempt),
    ...(files.includes('pnpm-workspace.yaml') ? ['The app was made without PostgreSQL, and has it from now on.'] : []),
    ...(unserved.length > 0 ? [`Made with --with-database, it would serve ${unserved.join(', ')} by itself.`] : []),
    ...byHand.map((why) => `Its methods are yours to write: ${why}.`),
    '',
    'Next:',
    ...(files.some((file) => file.startsWith(`${folder}migrations/`))
      ? [
          `  ./rondo new resource NAME --service ${service}`,
          '      Adds a table with its standard methods: rondo help new.',
        ]
      : []),
    ...next,
    `  npm test -- services/${service}`,
    '      Runs its test, which you will change with the first method.',
  ]);
}

function describeUpdated({ service, files, methods, exempt, byHand, breaks, complaints }: UpdatedService): string {
  if (files.length + byHand.length + breaks.length === 0 && complaints === undefined) {
    return lines([`services/${service} exists and is up to date with its contracts: nothing to do.`]);
  }
  return lines([
    files.length === 0 ? `services/${service}: no file had to change.` : `Updated services/${service}:`,
    ...files.map((file) => `  ${file}`),
    ...describeExempt(exempt),
    ...(methods.length === 0 ? [] : ['', 'Methods to write:']),
    ...methods.map(({ method, file }) => `  ${method} in ${file}`),
    ...(byHand.length === 0 ? [] : ['', 'To do by hand:']),
    ...byHand.map((what) => `  ${what}`),
    ...(breaks.length === 0 ? [] : ['', "npm run check refuses it, because it breaks main's clients:"]),
    ...breaks.map((what) => `  ${what}`),
    ...(complaints === undefined ? [] : ['', 'It does not build until the code is changed:']),
  ]);
}

const describeExempt = (exempt: readonly string[]) =>
  exempt.flatMap((contract) => [
    `proto/${contract} keeps its own style: buf.yaml says so, and npm run check leaves its style and format out.`,
    `    To have it checked: npx buf format -w proto/${contract}, and remove its line from lint.ignore.`,
  ]);
