import path from 'node:path';
import type { CommandContext, RunContext } from '../command.js';
import { UsageError } from '../errors.js';
import type { AddedResource } from '../scaffold/index.js';
import { lines, loadScaffold, startInto, test, workOnTree } from '../tree-work.js';

/** Which resource is added. */
interface Resource extends Readonly<Record<'name' | 'service' | 'fields' | 'parent', string | undefined>> {
  readonly start: boolean;
  readonly 'skip-test': boolean;
}

/** Adds a resource to a service. */
export async function createResource(values: Resource, context: RunContext): Promise<undefined> {
  const { name, fields = '', parent, start, 'skip-test': isSkipped } = values;
  if (name === undefined) throw new UsageError('name the resource: rondo new resource book');
  const { addResource } = await loadScaffold('new resource');
  const service = values.service ?? (await serviceHere(context));
  const made = await workOnTree(`new resource ${name}`, context, (on) =>
    addResource({ ...on, name, service, fields, parent }),
  );
  await context.print({ json: made, text: described(made) });
  if (start) await startInto({ kind: 'updated', service }, context);
  await test(service, isSkipped, context);
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
