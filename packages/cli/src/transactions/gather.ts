import { type Saga, type Transaction, CoordinatorServiceDefinition, ParticipantServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { reasonOf } from '../errors.js';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Channel, type Client, createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { addressOf } from '../registry/instance-view.js';
import { listInstances, type RegistryConnection } from '../registry/connection.js';

/** A branch that is prepared and not ended. */
export interface InDoubt {
  readonly participant: string;
  readonly prepareTime: Date | undefined;
  /** One that can be told how it ends. */
  readonly peer: Peer;
}

/** A transaction, as far as anybody knows of it. */
export interface KnownTransaction {
  readonly coordinator: string;
  readonly id: string;
  /** As its coordinator has it; undefined where that has finished it, doesn't know it, or can't be asked. */
  readonly logged: Transaction | undefined;
  readonly inDoubt: readonly InDoubt[];
}

/** A saga, and a process that can have it go on. */
export interface KnownSaga {
  readonly saga: Saga;
  readonly peer: Peer;
}

/** What all who could be asked have to finish. */
export interface Unfinished {
  readonly transactions: readonly KnownTransaction[];
  readonly sagas: readonly KnownSaga[];
  /** A process of each coordinator that answered, by the coordinator's name. */
  readonly coordinators: ReadonlyMap<string, Peer>;
  /** Who couldn't be asked: what only they know is missing. */
  readonly unreachable: readonly { readonly instanceId: string; readonly reason: string }[];
}

const ASK_TIMEOUT_MS = 2_000;

/** Asks everybody, at once. Replicas say the same, so the first of them counts. */
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

/** What was told so far. */
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

/** When a transaction began, as far as that is known; milliseconds since the Unix epoch. */
export function sinceOf({ logged, inDoubt }: KnownTransaction): number {
  const begun = logged?.createTime ?? inDoubt[0]?.prepareTime;
  return begun?.getTime() ?? 0;
}

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
  const channel = createChannel({ resolver: staticResolver([addressOf(instance)]) });
  const peer: Peer = {
    instanceId: instance.instanceId,
    participant: serves(instance, PARTICIPANT) ? createClient(ParticipantServiceDefinition, { channel }) : undefined,
    coordinator: serves(instance, COORDINATOR) ? createClient(CoordinatorServiceDefinition, { channel }) : undefined,
  };
  return { peer, channel };
}
