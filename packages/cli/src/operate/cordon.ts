import { type RegistryConnection, setOperatorState, listInstances, listOperatorStates, type OperatorStates } from '../registry/connection.js';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { RpcError, Status } from '@rondo/rpc/status';
import { isPicked } from '../registry/instance-view.js';
import { didYouMean } from '../terminal/text.js';

/** What became of one instance. */
export interface CordonResult {
  readonly instanceId: string;
  readonly state: 'CORDONED' | 'NONE';
  /** Whether it wasn't so before. */
  readonly changed: boolean;
  readonly reason: string;
}

/** How instances are cordoned. */
interface CordonOptions {
  /** Why; undefined where nobody said: a reason that stands is kept then. */
  readonly reason: string | undefined;
  /** What stands for it where there is none yet. */
  readonly defaultReason: string;
  /** Also where nobody is left to serve something. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/**
 * Takes instances out, one after the other: each is told of as it is done. All is checked before the first.
 *
 * @throws RpcError `NOT_FOUND` for an id that nobody knows, `FAILED_PRECONDITION` where a service would be deserted.
 */
export async function* cordonAll(
  registry: RegistryConnection,
  { ids, roster }: { readonly ids: readonly string[]; readonly roster: RegistrySnapshot },
  { reason, defaultReason, force, signal }: CordonOptions,
): AsyncGenerator<CordonResult> {
  requireKnown(ids, roster);
  if (!force) requireOthers(ids, roster);
  for (const instanceId of new Set(ids)) {
    const mark = roster.operatorStates.get(instanceId);
    const wanted = reason ?? mark?.reason ?? defaultReason;
    const changed = mark === undefined || mark.reason !== wanted;
    if (changed) await setOperatorState(registry, { instanceId, cordoned: true, reason: wanted }, signal);
    yield { instanceId, state: 'CORDONED', changed, reason: wanted };
  }
}

/** Puts instances back. One that isn't cordoned is left as it is. */
export async function* uncordonAll(
  registry: RegistryConnection,
  { ids, roster }: { readonly ids: readonly string[]; readonly roster: RegistrySnapshot },
  signal: AbortSignal,
): AsyncGenerator<CordonResult> {
  requireKnown(ids, roster);
  for (const instanceId of new Set(ids)) {
    const changed = roster.operatorStates.has(instanceId);
    if (changed) await setOperatorState(registry, { instanceId, cordoned: false }, signal);
    yield { instanceId, state: 'NONE', changed, reason: '' };
  }
}

/** What an operator's command is judged by: who is registered, and who is cordoned. */
interface RegistrySnapshot {
  readonly instances: ReadonlyMap<string, Instance>;
  readonly operatorStates: OperatorStates;
  /** Whether the registry has only just started empty. */
  readonly warming: boolean;
}

/** Asks the registry for both. */
export async function readSnapshot(registry: RegistryConnection, signal: AbortSignal): Promise<RegistrySnapshot> {
  const { instances, warming } = await listInstances(registry, { signal });
  const marks = await listOperatorStates(registry, { signal });
  return { instances: new Map(instances.map((instance) => [instance.instanceId, instance])), marks, warming };
}

const NAMED = 10;

/**
 * Refuses ids that nobody knows, before anything is done to the others.
 *
 * @throws RpcError `NOT_FOUND` that says which were probably meant, and which there are.
 */
function requireKnown(ids: readonly string[], { instances, operatorStates, warming }: RegistrySnapshot): void {
  const known = [...new Set([...instances.keys(), ...operatorStates.keys()])];
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
function requireOthers(ids: readonly string[], { instances }: RegistrySnapshot): void {
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
