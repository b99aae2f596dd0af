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

/** Awaits an answer of the registry. If it can't be reached, or is no registry, the error has its addresses and a remedy. */
export async function reach<T>(addresses: readonly string[], answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const { code, details } = error;
    const values = { addresses: addresses.join(', '), reason: reasonOf(error) };
    if (code === Status.UNAVAILABLE) throw operateErrors.REGISTRY_AWAY(values, { details, cause: error });
    throw code === Status.UNIMPLEMENTED ? operateErrors.NOT_A_REGISTRY(values, { cause: error }) : error;
  }
}

/** The instances, and which of them are cordoned. */
export interface Snapshot {
  readonly listing: InstanceListing;
  /** Of the cordoned instances, registered or not, by instance id. */
  readonly operatorStates: ReadonlyMap<string, OperatorMark>;
}

export async function readSnapshot(registry: RegistryConnection, signal: AbortSignal): Promise<Snapshot> {
  const listing = await listInstances(registry, { signal });
  const { marks } = await reach(registry.addresses, registry.client.listOperatorStates({}, { signal }));
  const cordoned = marks.filter(({ state }) => state === OperatorState.OPERATOR_STATE_CORDONED);
  return { listing, operatorStates: new Map(cordoned.map((mark) => [mark.instanceId, mark])) };
}
