import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type Channel, type Client, createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { addressOf, listInstances, type RegistryConnection } from '../registry/index.js';

/** An instance that takes part in transactions, coordinates them, or both. */
export interface Peer {
  readonly instanceId: string;
  /** Missing where it isn't one. */
  readonly participant: Client<typeof ParticipantServiceDefinition> | undefined;
  readonly coordinator: Client<typeof CoordinatorServiceDefinition> | undefined;
}

/** Connects to every such instance for as long as `work` takes: each is asked by itself, as each has its own database. */
export async function withPeers<T>(
  registry: RegistryConnection,
  signal: AbortSignal,
  work: (peers: readonly Peer[]) => Promise<T>,
): Promise<T> {
  const { instances } = await listInstances(registry, { signal });
  const involved = instances.filter((instance) => serves(instance, PARTICIPANT) || serves(instance, COORDINATOR));
  const connections = involved.map(connect);
  try {
    return await work(connections.map(({ peer }) => peer));
  } finally {
    for (const { channel } of connections) channel.close();
  }
}

const PARTICIPANT = ParticipantServiceDefinition.fullName;
const COORDINATOR = CoordinatorServiceDefinition.fullName;

const serves = ({ services }: Instance, service: string): boolean => services.includes(service);

function connect(instance: Instance): { readonly peer: Peer; readonly channel: Channel } {
  const channel = createChannel({ resolver: staticResolver([addressOf(instance)]) });
  const peer: Peer = {
    instanceId: instance.instanceId,
    participant: serves(instance, PARTICIPANT) ? createClient(ParticipantServiceDefinition, { channel }) : undefined,
    coordinator: serves(instance, COORDINATOR) ? createClient(CoordinatorServiceDefinition, { channel }) : undefined,
  };
  return { peer, channel };
}
