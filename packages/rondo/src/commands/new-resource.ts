import path from 'node:path';
import type { CommandContext } from '../command.js';
import { UsageError } from '../errors.js';
import { dataDirectoryOf } from '../options.js';
import type { AddedResource } from '../scaffold/index.js';
import { lines, loadScaffold, type Output, startInto, test, workOnTree } from '../tree-work.js';

/** The arguments of `rondo new resource`. */
export interface ResourceArguments {
  readonly name: string | undefined;
  readonly service?: string | undefined;
  readonly fields?: string | undefined;
  readonly parent?: string | undefined;
  readonly data?: string | undefined;
  readonly json?: boolean | undefined;
  readonly start?: boolean | undefined;
  readonly 'skip-test'?: boolean | undefined;
}

/** Adds a resource to a service. */
export async function createResource(values: ResourceArguments, context: CommandContext): Promise<undefined> {
  const { name, fields = '', parent } = values;
  if (name === undefined) throw new UsageError('name the resource: rondo new resource book');
  const { addResource, testService } = await loadScaffold('new resource');
  const service = values.service ?? (await serviceHere(context));
  const output: Output = { json: values.json ?? false, context };
  const made = await workOnTree(`new resource ${name}`, output, (on) =>
    addResource({ ...on, name, service, fields, parent }),
  );
  await context.stdout.write(output.json ? `${JSON.stringify(made)}\n` : described(made));
  if (values.start) await startInto(dataDirectoryOf(values.data, context), { kind: 'updated', service }, output);
  if (!values['skip-test']) {
    const workspace = { root: context.repository, tool: context.tool, signal: context.signal };
    await test(service, output, () => testService(workspace, service));
  }
}

/** The service of the current folder, or the only one with a database. @throws UsageError if there are several, or none. */
export async function serviceHere({ repository, directory }: CommandContext): Promise<string> {
  const { ownServices, readManifests } = await loadScaffold('new resource');
  const manifests = readManifests(ownServices(repository), repository);
  const [folder, here] = path.relative(repository, directory).split(path.sep);
  const around = manifests.find(({ service }) => folder === 'services' && service === here);
  const storing = manifests.filter(({ database }) => database !== undefined);
  const [only, another] = around === undefined ? storing : [around];
  if (only !== undefined && another === undefined) return only.service;
  const names = (storing.length > 0 ? storing : manifests).map((one) => one.service).join(', ');
  throw new UsageError(`say which service gets it, by --service NAME: ${names}`);
}

function described({ service, resource, definition, files, create, byHand }: AddedResource): string {
  return lines([
    `Added the resource ${resource} to services/${service}:`,
    ...files.map((file) => `  ${file}`),
    ...(files.includes('pnpm-workspace.yaml') ? ['The app was made without PostgreSQL, and has it from now on.'] : []),
    ...(byHand.length === 0 ? [] : ['', 'To do by hand:', ...byHand.map((what) => `  ${what}`)]),
    '',
    'Next:',
    `  curl -d '${create.body}' http://127.0.0.1:8080${create.path}`,
    `      Makes one while the system runs: npm start, or ./rondo restart ${service} if it runs already.`,
    `  ${definition}`,
    '      Rules of your own belong there: hooks of standardMethods, and methods beside them.',
  ]);
}
