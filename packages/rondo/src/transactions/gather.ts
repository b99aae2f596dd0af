import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
  type Saga,
  type Transaction,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type Channel, type Client, createClient, staticResolver } from '@rondo/rpc/client';
import { openChannel } from '../channels.js';
import { reasonOf } from '../errors.js';
import { listInstances, type RegistryConnection } from '../registry/connection.js';
import { addressOf } from '../registry/instance-view.js';

/** A branch in doubt: it is prepared, and has neither committed nor aborted. */
export interface InDoubt {
  readonly participant: string;
  readonly prepareTime: Date | undefined;
  /** A process of the participant, which can end the branch. */
  readonly peer: Peer;
}

/** A transaction, as its coordinator and its participants know it. */
export interface KnownTransaction {
  readonly coordinator: string;
  readonly id: string;
  /** The coordinator's log entry; undefined if the coordinator has finished it, doesn't know it, or can't be asked. */
  readonly logged: Transaction | undefined;
  readonly inDoubt: readonly InDoubt[];
}

/** A saga, and a process that can let it go on. */
export interface KnownSaga {
  readonly saga: Saga;
  readonly peer: Peer;
}

/** The unfinished transactions and sagas of all processes that answered. */
export interface Unfinished {
  readonly transactions: readonly KnownTransaction[];
  readonly sagas: readonly KnownSaga[];
  /** A process of each coordinator that answered, by the coordinator's name. */
  readonly coordinators: ReadonlyMap<string, Peer>;
  /** The processes that couldn't be asked: transactions that only they know are missing. */
  readonly unreachable: readonly { readonly instanceId: string; readonly reason: string }[];
}

const ASK_TIMEOUT_MS = 2_000;

/** Asks all peers at once. Replicas of a service share its database, so their answers are merged. */
export async function gather(peers: readonly Peer[], signal: AbortSignal): Promise<Unfinished> {
  const collected = new Collection();
  await Promise.all(
    peers.map(async (peer) => {
      try {
        await ask(peer, collected, signal);
      } catch (error) {
        signal.throwIfAborted();
        collected.unreachable.push({ instanceId: peer.instanceId, reason: reasonOf(error) });
      }
    }),
  );
  return collected.result();
}

async function ask(peer: Peer, collected: Collection, signal: AbortSignal): Promise<void> {
  const options = { signal, timeoutMs: ASK_TIMEOUT_MS };
  const [branches, listed, started] = await Promise.all([
    peer.participant?.listInDoubt({}, options),
    peer.coordinator?.listTransactions({}, options),
    peer.coordinator?.listSagas({}, options),
  ]);
  if (listed !== undefined && listed.coordinator !== '') collected.coordinators.set(listed.coordinator, peer);
  for (const logged of listed?.transactions ?? []) collected.addLogged(logged);
  for (const { transaction, prepareTime } of branches?.branches ?? []) {
    collected.addInDoubt(transaction, { participant: branches?.participant ?? '', prepareTime, peer });
  }
  for (const saga of started?.sagas ?? []) collected.sagas.set(saga.id, { saga, peer });
}

interface Ref {
  readonly coordinator: string;
  readonly id: string;
}

interface Entry {
  readonly ref: Ref;
  logged: Transaction | undefined;
  readonly inDoubt: Map<string, InDoubt>;
}

/** Merges the answers of peers. */
class Collection {
  readonly coordinators = new Map<string, Peer>();
  readonly sagas = new Map<string, KnownSaga>();
  readonly unreachable: { readonly instanceId: string; readonly reason: string }[] = [];
  readonly #known = new Map<string, Entry>();

  addLogged(logged: Transaction): void {
    this.#of(logged.ref).logged = logged;
  }

  addInDoubt(ref: Ref | undefined, branch: InDoubt): void {
    this.#of(ref).inDoubt.set(branch.participant, branch);
  }

  result(): Unfinished {
    const transactions = [...this.#known.values()].map(({ ref, logged, inDoubt }) => ({
      coordinator: ref.coordinator,
      id: ref.id,
      logged,
      inDoubt: [...inDoubt.values()].sort((a, b) => (a.participant < b.participant ? -1 : 1)),
    }));
    transactions.sort((a, b) => sinceOf(a) - sinceOf(b));
    const { coordinators, unreachable } = this;
    return { transactions, sagas: [...this.sagas.values()], coordinators, unreachable };
  }

  #of({ coordinator, id }: Ref = { coordinator: '', id: '' }): Entry {
    const key = `${coordinator}/${id}`;
    const known = this.#known.get(key) ?? { ref: { coordinator, id }, logged: undefined, inDoubt: new Map() };
    this.#known.set(key, known);
    return known;
  }
}

/** When a transaction began, in milliseconds since the Unix epoch; 0 if it isn't known. */
export function sinceOf({ logged, inDoubt }: KnownTransaction): number {
  const begun = logged?.createTime ?? inDoubt[0]?.prepareTime;
  return begun?.getTime() ?? 0;
}

/** An instance that is a participant or a coordinator of transactions, or both. */
export interface Peer {
  readonly instanceId: string;
  /** Undefined if it isn't a participant; likewise `coordinator`. */
  readonly participant: Client<typeof ParticipantServiceDefinition> | undefined;
  readonly coordinator: Client<typeof CoordinatorServiceDefinition> | undefined;
}

/** Runs `work` with a connection to each peer. Calls aren't balanced, as each service has its own database. */
export async function withPeers<T>(
  registry: RegistryConnection,
  signal: AbortSignal,
  work: (peers: readonly Peer[]) => Promise<T>,
): Promise<T> {
  const { instances } = await listInstances(registry, { signal });
  const involved = instances.filter((instance) => serves(instance, PARTICIPANT) || serves(instance, COORDINATOR));
  const connections = involved.map(connectPeer);
  try {
    return await work(connections.map(({ peer }) => peer));
  } finally {
    for (const { channel } of connections) channel.close();
  }
}

const PARTICIPANT = ParticipantServiceDefinition.fullName;
const COORDINATOR = CoordinatorServiceDefinition.fullName;

const serves = ({ services }: Instance, service: string): boolean => services.includes(service);

function connectPeer(instance: Instance): { readonly peer: Peer; readonly channel: Channel } {
  const channel = openChannel({ resolver: staticResolver([addressOf(instance)]) });
  const peer: Peer = {
    instanceId: instance.instanceId,
    participant: serves(instance, PARTICIPANT) ? createClient(ParticipantServiceDefinition, { channel }) : undefined,
    coordinator: serves(instance, COORDINATOR) ? createClient(CoordinatorServiceDefinition, { channel }) : undefined,
  };
  return { peer, channel };
}
