import {
  type Instance,
  type OperatorMark,
  OperatorState,
  type Position,
  RegistryServiceDefinition,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { operateErrors, reasonOf } from './errors.js';

/** A connection to the registry. */
export interface RegistryConnection {
  readonly addresses: readonly string[];
  readonly client: Client<typeof RegistryServiceDefinition>;
  readonly settings: Client<typeof SettingsServiceDefinition>;
}

/** The instances at one time. */
export interface InstanceListing {
  /** Sorted by instance id. */
  readonly instances: readonly Instance[];
  /** Whether the registry has just started empty: what it doesn't list may still come back. */
  readonly warming: boolean;
  /** The position of the first page: the list is at least as new. */
  readonly position: Position | undefined;
}

/** The registry at the other end of a channel to its addresses. */
export const registryOver = (channel: Channel, addresses: readonly string[]): RegistryConnection => ({
  addresses,
  client: createClient(RegistryServiceDefinition, { channel }),
  settings: createClient(SettingsServiceDefinition, { channel }),
});

/** Lists the live instances of one service, by its fully qualified name, or of all services. */
export async function listInstances(
  { client, addresses }: RegistryConnection,
  { service = '', signal }: { readonly service?: string; readonly signal: AbortSignal },
): Promise<InstanceListing> {
  const found = new Map<string, Instance>();
  let warming = false;
  let position: Position | undefined;
  let pageToken = '';
  do {
    const page = await reach(addresses, client.listInstances({ service, pageToken }, { signal }));
    for (const instance of page.instances) found.set(instance.instanceId, instance);
    warming = page.warming;
    position ??= page.position;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  const byName = new Intl.Collator('en', { numeric: true });
  const instances = [...found.values()].sort((a, b) => byName.compare(a.instanceId, b.instanceId));
  return { instances, warming, position };
}

/** Awaits an answer of the registry. If it fails, the error names the registry's addresses. */
export async function reach<T>(addresses: readonly string[], answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw explainRegistryError(addresses, error);
  }
}

/** Explains a failed call: if the registry can't be reached, or is no registry, the error has its addresses and a remedy. */
function explainRegistryError(addresses: readonly string[], error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  const { code, details } = error;
  const values = { addresses: addresses.join(', '), reason: reasonOf(error) };
  if (code === Status.UNAVAILABLE) return operateErrors.REGISTRY_AWAY(values, { details, cause: error });
  return code === Status.UNIMPLEMENTED ? operateErrors.NOT_A_REGISTRY(values, { cause: error }) : error;
}

/** The operator states of cordoned instances, by instance id. */
export type OperatorStates = ReadonlyMap<string, OperatorMark>;

/** Lists the cordoned instances, registered or not. */
export async function listOperatorStates(
  { client, addresses }: RegistryConnection,
  { signal }: { readonly signal: AbortSignal },
): Promise<OperatorStates> {
  const { marks } = await reach(addresses, client.listOperatorStates({}, { signal }));
  const cordoned = marks.filter(({ state }) => state === OperatorState.OPERATOR_STATE_CORDONED);
  return new Map(cordoned.map((mark) => [mark.instanceId, mark]));
}

/** The instances, and which of them are cordoned. */
export interface Snapshot {
  readonly listing: InstanceListing;
  readonly operatorStates: OperatorStates;
}

/** Reads both. */
export const readSnapshot = async (registry: RegistryConnection, signal: AbortSignal): Promise<Snapshot> => ({
  listing: await listInstances(registry, { signal }),
  operatorStates: await listOperatorStates(registry, { signal }),
});

/** A change of the operator state of an instance. */
interface OperatorStateChange {
  readonly instanceId: string;
  readonly cordoned: boolean;
  /** Why, for other operators. */
  readonly reason?: string;
}

/** Sets the operator state of an instance in the registry. */
export async function setOperatorState(
  { client, addresses }: RegistryConnection,
  { instanceId, cordoned, reason = '' }: OperatorStateChange,
  signal: AbortSignal,
): Promise<Position | undefined> {
  const state = cordoned ? OperatorState.OPERATOR_STATE_CORDONED : OperatorState.OPERATOR_STATE_NONE;
  const { position } = await reach(addresses, client.setOperatorState({ instanceId, state, reason }, { signal }));
  return position;
}
