import { existsSync } from 'node:fs';
import path from 'node:path';
import { type CommandContext, defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-code.js';
import { flag, valued } from '../help.js';
import { askProcesses } from '../launcher.js';
import { dataOption, jsonOption, whole } from '../options.js';
import type { CreatedService, Tree, UpdatedService } from '../scaffold/index.js';
import {
  completeService,
  lines,
  loadScaffold,
  pasted,
  printMade,
  type Reach,
  reach,
  serviceNamed,
  startInto,
  test,
  workOnTree,
} from '../tree-work.js';
import { createBackground, createResource, isBackground } from './new-resource.js';

const KINDS = ['service', 'resource', 'job', 'workflow', 'topic', 'subscription'];

export const create = defineCommand({
  name: 'new',
  summary:
    'Makes a service, updates it after its .proto has changed, or adds a resource, job, workflow, topic or subscription.',
  details: [
    'It writes services/<name>, with generated code, wiring, a test and an entry in docker-compose.yml. The methods answer',
    'UNIMPLEMENTED and name the file to write them in. With --with-database, the messages of a contract with',
    'google.api.resource and standard methods are served: they get a table, a definition and a test. The files that a contract',
    'imports are copied, too.',
    '',
    'rondo new resource adds such a resource to a service with a database. The types of fields are string, bool, bytes,',
    'int32, int64, uint64, float, double, timestamp, duration, date, money, decimal, enum(A,B) and ref(RESOURCE). [] makes a',
    'list, ! a required field, @unique and @immutable say what they do. rondo new job, workflow and subscription write',
    'contract, handler and test, and rondo new topic a contract; each prints the lines to add to app.ts.',
    '',
    'A service is made once. Run it again after the .proto has changed: it prints the handlers that are missing, and writes the',
    'next migration. Git takes back what is written: everything must be committed before, and what fails prints the commands.',
    'With --force, or without git, it writes only new files, and prints the lines for the others.',
  ].join('\n'),
  options: {
    proto: {
      ...valued('FILE', 'The contract; by default proto/<name>/v1/<name>.proto, which is made if it is missing.'),
      complete: 'files',
    },
    'proto-path': {
      ...valued('DIR', 'A folder to search imports in, before those above the contract; may be repeated.'),
      complete: 'folders',
      multiple: true,
    },
    'with-database': flag('Give the service a PostgreSQL database, with a first migration.'),
    resource: valued('NAME', 'Make the service of this resource (--fields), with a database.'),
    fields: valued('LIST', "Of a resource: 'title:string! sku:string@unique tags:string[] status:enum(NEW,OLD)'."),
    parent: valued('NAME', 'The resource of which a new one is part.'),
    service: valued('NAME', 'The service of what is added; else that of the folder, or the only one with a database.'),
    force: flag('Go on if git has no copy of changes: only new files are written.'),
    start: flag('Start the service in the running system (npm start).'),
    'skip-test': flag("Don't run the service's test."),
    port: whole('N', 'The port of the service; by default the next free one from 50060.'),
    ...dataOption,
    ...jsonOption,
  },
  args: { kind: `[${KINDS.join(' | ')}]`, name: '[name | topic]' },
  examples: [
    [
      'new service greeter',
      'A service with a contract to begin with, proto/greeter/v1/greeter.proto; later, its update.',
    ],
    ['new service greeter --proto ~/helloworld.proto --start', 'A service from a contract, started.'],
    ["new service hotel --resource booking --fields 'guest:string!'", 'A service of one resource.'],
    ["new resource book --fields 'title:string! price:money'", 'A resource at /v1/books, with its standard methods.'],
    ['new job remind-guests --service hotel', 'A stored call of a method of the service.'],
    ['new workflow welcome-guest --service hotel', 'A function that goes on after a crash and a sleep.'],
    ['new subscription hotel.v1.RoomBooked --service kitchen', 'A method that is called with each event.'],
  ],
  exitCodes: { INTERRUPTED: 'Ctrl-C ended the command, which printed how git takes back what was written.' },
  async complete({ positionals }, { repository }) {
    const [kind] = positionals;
    if (kind === undefined) return KINDS.map((word) => ({ word }));
    return kind === 'service' ? completeService(positionals, repository) : [];
  },
  async run({ kind, name: given, proto, 'proto-path': roots, start, data, force, ...values }, context) {
    const { service, fields = '', port, 'skip-test': isSkipped } = values;
    if (isBackground(kind)) return createBackground(kind, { name: given, service, force }, context);
    if (kind === 'resource') return createResource({ ...values, name: given, data, start, force }, context);
    const name = serviceNamed([kind, given], 'new');
    if (proto === undefined && roots.length > 0) throw new UsageError('--proto-path needs --proto FILE');
    const { checkName, createService, followServices, updateService } = await loadScaffold('new service');
    checkName(name);
    if (start) await askProcesses(context);
    const source = proto === undefined ? undefined : sourceOf(proto, roots, context);
    const resource = values.resource === undefined ? undefined : { name: values.resource, fields };
    if (resource !== undefined && source !== undefined) throw new UsageError('give --proto or --resource, not both');
    const asked = { name, port, source, resource, withDatabase: values['with-database'] || resource !== undefined };
    if (existsSync(path.join(context.repository, 'services', name, 'package.json'))) {
      // It changes no file but the contract that is given.
      const how = { command: 'new service', force: force || source === undefined, quiet: source === undefined };
      const made = await workOnTree(how, context, (tree) => updateService({ ...tree, ...asked }));
      await printMade(made, describeUpdated(made), context);
      if (made.complaints !== undefined) return ExitCode.FAILED;
      if (start) await startInto(made, context);
      return ExitCode.OK;
    }
    const make = async (tree: Tree) => {
      const made = await createService({ ...tree, ...asked });
      await printMade(made, describeCreated(made, start, await reach(data, context)), context);
      if (!tree.isCommitted) return;
      const lacking = followServices(context.repository);
      if (!context.json) await context.stdout.write(lines(lacking));
      if (start) await startInto(made, context);
      await test(name, isSkipped, tree);
    };
    await workOnTree({ command: 'new service', force }, context, make);
    return ExitCode.OK;
  },
});

function sourceOf(proto: string, roots: readonly string[], { directory }: CommandContext) {
  const located = (file: string) => (directory === process.cwd() ? file : path.resolve(directory, file));
  const importRoots = roots.length === 0 ? {} : { importRoots: roots.map(located) };
  return { kind: 'file' as const, path: located(proto), ...importRoots };
}

/** What `rondo new service` says of a service that it has made, and starts now if `starts`. */
export function describeCreated(
  { service, port, files, methods, paste, exempt, refusesEmpty, unserved, byHand }: CreatedService,
  starts: boolean,
  { registry, portBase, restart }: Pick<Reach, 'registry' | 'portBase' | 'restart'>,
): string {
  const folder = `services/${service}/`;
  const [first] = methods;
  const starting = restart ? `${restart(service)} starts` : 'npm start serves';
  const whileItRuns = ` while it runs: ${starting} it at 127.0.0.1:${port - 50_050 + portBase}`;
  const next =
    first === undefined
      ? []
      : [
          `  ${first.file}`,
          `      Write ${first.method} there; until then it answers UNIMPLEMENTED.`,
          `  ./rondo ${refusesEmpty ? `describe ${first.method}` : `call ${first.method} '{}'`}${registry}`,
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
    ...pasted(paste),
    '',
    'Next:',
    ...(paste.length > 0 ? ['  ./rondo install && ./rondo build', '      Brings its packages, and compiles it.'] : []),
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

function describeUpdated({ service, files, paste, exempt, stubs, complaints }: UpdatedService): string {
  const isDone = files.length + paste.length + stubs.length === 0 && complaints === undefined;
  if (isDone) return lines([`services/${service} exists and is up to date with its contracts: nothing to do.`]);
  return lines([
    `services/${service} exists.${files.length === 0 ? '' : ' Written:'}`,
    ...files.map((file) => `  ${file}`),
    ...describeExempt(exempt),
    ...pasted([...paste, ...stubs]),
    ...(complaints === undefined ? [] : ['', 'It does not build until the code is changed:']),
  ]);
}

const describeExempt = (exempt: readonly string[]) =>
  exempt.flatMap((contract) => [
    `proto/${contract} comes from elsewhere and keeps its style: npm run check leaves its style and format out.`,
    `    To have it checked: npx buf format -w proto/${contract}, and remove its line from lint.ignore in buf.yaml.`,
  ]);
