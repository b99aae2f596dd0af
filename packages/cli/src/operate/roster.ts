import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { RpcError, Status } from '@rondo/rpc/status';
import { isPicked, listInstances, listMarks, type Marks, type RegistryConnection } from '../registry/index.js';
import { didYouMean } from '../terminal/index.js';

/** What an operator's command is judged by: who is registered, and who is cordoned. */
export interface Roster {
  readonly instances: ReadonlyMap<string, Instance>;
  readonly marks: Marks;
  /** Whether the registry has only just started empty. */
  readonly warming: boolean;
}

/** Asks the registry for both. */
export async function readRoster(registry: RegistryConnection, signal: AbortSignal): Promise<Roster> {
  const { instances, warming } = await listInstances(registry, { signal });
  const marks = await listMarks(registry, { signal });
  return { instances: new Map(instances.map((instance) => [instance.instanceId, instance])), marks, warming };
}

const NAMED = 10;

/**
 * Refuses ids that nobody knows, before anything is done to the others.
 *
 * @throws RpcError `NOT_FOUND` that says which were probably meant, and which there are.
 */
export function requireKnown(ids: readonly string[], { instances, marks, warming }: Roster): void {
  const known = [...new Set([...instances.keys(), ...marks.keys()])];
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length === 0) return;
  const each = unknown.map((id) => `no instance "${id}" is registered.${didYouMean(id, known)}`).join(' ');
  const patience = warming ? ' The registry has only just started: it may still come back.' : '';
  throw new RpcError(Status.NOT_FOUND, `${each} ${thereAre(known)}${patience}`);
}

function thereAre(ids: readonly string[]): string {
  if (ids.length === 0) return 'There is none at all.';
  const rest = ids.length > NAMED ? ` and ${ids.length - NAMED} more, which rondo ps lists` : '';
  return `There are: ${ids.slice(0, NAMED).join(', ')}${rest}`;
}

/**
 * Refuses to take out the last that serves something.
 *
 * @throws RpcError `FAILED_PRECONDITION` that names the services.
 */
export function requireOthers(ids: readonly string[], { instances }: Roster): void {
  const deserted = desertedBy(ids, [...instances.values()]);
  if (deserted.length === 0) return;
  const message = `without ${ids.join(', ')} nobody serves ${deserted.join(', ')}: every call of it would fail`;
  throw new RpcError(Status.FAILED_PRECONDITION, `${message}; start another instance first, or say --force`);
}

/** The services that nobody would serve any more. Whoever's lease ran out is no help: it may be dead. */
function desertedBy(ids: readonly string[], instances: readonly Instance[]): readonly string[] {
  const picked = instances.filter(isPicked);
  const isLeaving = ({ instanceId }: Instance) => ids.includes(instanceId);
  const staying = picked.filter((instance) => !isLeaving(instance) && instance.lapseTime === undefined);
  const served = new Set(staying.flatMap(({ services }) => services));
  const left = picked.filter(isLeaving).flatMap(({ services }) => services);
  return [...new Set(left)].filter((service) => !served.has(service)).sort();
}
