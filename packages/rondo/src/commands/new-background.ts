import type { Printed, RunContext } from '../command.js';
import { UsageError } from '../errors.js';
import type { AddedBackground, NewBackgroundOptions } from '../scaffold/index.js';
import { lines, loadScaffold, workOnTree } from '../tree-work.js';
import { serviceHere } from './new-resource.js';

type Kind = NewBackgroundOptions['kind'];

/** Whether `rondo new` is asked for a job, a topic or a subscription. */
export const isBackground = (kind: string | undefined): kind is Kind =>
  kind === 'job' || kind === 'topic' || kind === 'subscription';

/** Adds a job, a topic or a subscription to a service. */
export async function createBackground(
  kind: Kind,
  { name, service: given }: { readonly name: string | undefined; readonly service: string | undefined },
  context: RunContext,
): Promise<Printed> {
  const example = { subscription: 'hotel.v1.RoomBooked', job: 'remind-guests', topic: 'room-booked' }[kind];
  if (name === undefined) throw new UsageError(`name the ${kind}: rondo new ${kind} ${example}`);
  const { addBackground } = await loadScaffold(`new ${kind}`);
  const service = given ?? (await serviceHere(context));
  const added = await workOnTree(`new ${kind} ${name}`, context, (on) => addBackground({ ...on, kind, name, service }));
  return { json: added, text: described(added) };
}

const described = ({ kind, name, service, files, app, paste }: AddedBackground): string =>
  lines([
    `Added the ${kind} ${name} to services/${service}:`,
    ...files.map((file) => `  ${file}`),
    '',
    `Add to ${app} (npm run check -- --fix sorts the imports):`,
    ...paste.map((line) => `  ${line}`),
  ]);
