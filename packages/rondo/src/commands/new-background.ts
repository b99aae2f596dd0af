import type { Printed, RunContext } from '../command.js';
import { UsageError } from '../errors.js';
import type { NewBackgroundOptions } from '../scaffold/index.js';
import { lines, loadScaffold, pasted, workOnTree } from '../tree-work.js';
import { serviceHere } from './new-resource.js';

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

/** What is asked for. */
interface Asked extends Readonly<Record<'name' | 'service', string | undefined>> {
  readonly force: boolean;
}

/** Adds a job, a workflow, a topic or a subscription to a service. */
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
