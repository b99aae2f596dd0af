import { type Instance, OperatorState } from '@rondo/contracts/rondo/registry/v1/registry';
import { noInstance, operateErrors } from './errors.js';
import { isPicked } from './instance-view.js';
import { type RegistryConnection, reach, type Snapshot } from './registry.js';

/** The result for one instance. */
export interface CordonResult {
  readonly instanceId: string;
  readonly state: 'CORDONED' | 'NONE';
  readonly changed: boolean;
  readonly reason: string;
}

/** How instances are cordoned. */
interface CordonOptions {
  /** The new reason; undefined keeps an existing reason. */
  readonly reason: string | undefined;
  /** The reason if there is neither a new nor an existing one. */
  readonly defaultReason: string;
  /** Cordon even if no instance is left that serves some service. Otherwise a refusal ends with `orForce`. */
  readonly force: boolean;
  readonly orForce?: string;
  readonly signal: AbortSignal;
}

/** Which instances are changed. */
interface Chosen {
  readonly ids: readonly string[];
  readonly snapshot: Snapshot;
}

/**
 * Cordons instances one after the other, and yields each result. It checks all ids before it cordons the first.
 *
 * @throws RpcError `NOT_FOUND` if an id is unknown, `FAILED_PRECONDITION` if a service would be left without instances.
 */
export async function* cordonAll(
  { client, addresses }: RegistryConnection,
  { ids, snapshot }: Chosen,
  { reason, defaultReason, force, orForce = '', signal }: CordonOptions,
): AsyncGenerator<CordonResult> {
  requireKnown(ids, snapshot);
  if (!force) requireOthers(ids, snapshot, orForce);
  for (const instanceId of new Set(ids)) {
    const before = snapshot.operatorStates.get(instanceId);
    const wanted = reason ?? before?.reason ?? defaultReason;
    const changed = before === undefined || before.reason !== wanted;
    const change = { instanceId, state: OperatorState.OPERATOR_STATE_CORDONED, reason: wanted };
    if (changed) await reach(addresses, client.setOperatorState(change, { signal }));
    yield { instanceId, state: 'CORDONED', changed, reason: wanted };
  }
}

/** Uncordons instances. An instance that isn't cordoned stays as it is. */
export async function* uncordonAll(
  { client, addresses }: RegistryConnection,
  { ids, snapshot }: Chosen,
  signal: AbortSignal,
): AsyncGenerator<CordonResult> {
  requireKnown(ids, snapshot);
  for (const instanceId of new Set(ids)) {
    const changed = snapshot.operatorStates.has(instanceId);
    const change = { instanceId, state: OperatorState.OPERATOR_STATE_NONE };
    if (changed) await reach(addresses, client.setOperatorState(change, { signal }));
    yield { instanceId, state: 'NONE', changed, reason: '' };
  }
}

/** @throws RpcError `NOT_FOUND` that suggests similar ids and lists the known ones. */
function requireKnown(ids: readonly string[], { listing, operatorStates }: Snapshot): void {
  const known = [...new Set([...listing.instances.map(({ instanceId }) => instanceId), ...operatorStates.keys()])];
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length > 0) throw noInstance(unknown, known, listing.warming);
}

/**
 * An instance whose lease has expired serves nothing: it may be dead.
 *
 * @throws RpcError `FAILED_PRECONDITION` that names the services of which these are the last instances.
 */
export function requireOthers(ids: readonly string[], { listing }: Snapshot, orForce: string): void {
  const picked = listing.instances.filter(isPicked);
  const isLeaving = ({ instanceId }: Instance) => ids.includes(instanceId);
  const staying = picked.filter((instance) => !isLeaving(instance) && instance.lapseTime === undefined);
  const served = new Set(staying.flatMap(({ services }) => services));
  const left = new Set(picked.filter(isLeaving).flatMap(({ services }) => services));
  const deserted = [...left].filter((service) => !served.has(service)).sort();
  if (deserted.length === 0) return;
  throw operateErrors.LAST_INSTANCE({ ids: ids.join(', '), services: deserted.join(', '), orForce });
}
