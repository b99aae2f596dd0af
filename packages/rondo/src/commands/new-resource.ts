import path from 'node:path';
import type { CommandContext, Printed, RunContext } from '../command.js';
import { UsageError } from '../errors.js';
import type { AddedResource, NewBackgroundOptions, Tree } from '../scaffold/index.js';
import { lines, loadScaffold, pasted, type Reach, reach, startInto, test, workOnTree } from '../tree-work.js';

interface Resource extends Readonly<Record<'name' | 'service' | 'fields' | 'parent' | 'data', string | undefined>> {
  readonly start: boolean;
  readonly force: boolean;
  readonly 'skip-test': boolean;
}

export async function createResource(values: Resource, context: RunContext): Promise<undefined> {
  const { name, fields = '', parent, start, force, 'skip-test': isSkipped } = values;
  if (name === undefined) throw new UsageError('name the resource: rondo new resource book');
  const { addResource } = await loadScaffold('new resource');
  const service = values.service ?? (await serviceHere(context));
  const make = async (tree: Tree) => {
    const made = await addResource({ ...tree, name, service, fields, parent });
    await context.print({ json: made, text: described(made, await reach(values.data, context)) });
    if (start && tree.isCommitted) await startInto({ kind: 'updated', service }, context);
    // Its test passes once the lines are there.
    await test(service, isSkipped || made.paste.length > 0, tree);
  };
  await workOnTree({ command: 'new resource', force }, context, make);
  return undefined;
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

function described(
  { service, resource, definition, files, create, paste }: AddedResource,
  { gateway, restart }: Reach,
): string {
  return lines([
    `Added the resource ${resource} to services/${service}:`,
    ...files.map((file) => `  ${file}`),
    ...pasted(paste),
    '',
    'Next:',
    `  curl -d '${create.body}' http://${gateway}${create.path}`,
    `      Makes one while the system runs${restart ? ` the new code: ${restart(service)}, or rondo dev` : ': npm start'}.`,
    `  ${definition}`,
    '      Rules of your own belong there: hooks of standardMethods, and methods next to them.',
  ]);
}

type Kind = NewBackgroundOptions['kind'];

const EXAMPLES = {
  job: 'remind-guests',
  workflow: 'welcome-guest',
  topic: 'room-booked',
  subscription: 'hotel.v1.RoomBooked',
};

/** Whether `rondo new` is asked for one of these. */
export const isBackground = (kind: string | undefined): kind is Kind =>
  kind !== undefined && Object.hasOwn(EXAMPLES, kind);

interface Asked extends Readonly<Record<'name' | 'service', string | undefined>> {
  readonly force: boolean;
}

export async function createBackground(kind: Kind, asked: Asked, context: RunContext): Promise<Printed> {
  const { name, force } = asked;
  if (name === undefined) throw new UsageError(`name the ${kind}: rondo new ${kind} ${EXAMPLES[kind]}`);
  const { addBackground } = await loadScaffold(`new ${kind}`);
  const service = asked.service ?? (await serviceHere(context));
  const added = await workOnTree({ command: `new ${kind}`, force }, context, (tree) =>
    addBackground({ ...tree, kind, name, service }),
  );
  const text = lines([
    `Added the ${kind} ${name} to services/${service}:`,
    ...added.files.map((file) => `  ${file}`),
    ...(added.publisher === undefined ? [] : [`${added.publisher} publishes it, as its contract says.`]),
    ...pasted(added.paste),
    '',
    'npm run check -- --fix sorts the imports.',
  ]);
  return { json: added, text };
}
