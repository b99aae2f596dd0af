import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
  type Saga,
  SagaState,
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
  const unreachable: { readonly instanceId: string; readonly reason: string }[] = [];
  const answers = peers.map((peer) =>
    ask(peer, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      unreachable.push({ instanceId: peer.instanceId, reason: reasonOf(error) });
      return [];
    }),
  );
  const told = (await Promise.all(answers)).flat();
  const sagas = told
    .flatMap(({ sagas, peer }) => sagas.map((saga) => [saga.id, { saga, peer }] as const))
    // A saga is parked at replicas with other steps, too, while a replica with its steps runs it.
    .sort(([, one], [, other]) => Number(isParked(other)) - Number(isParked(one)));
  const coordinators = told
    .map(({ coordinator, peer }) => [coordinator, peer] as const)
    .filter(([name]) => name !== '');
  return {
    transactions: transactionsIn(told),
    sagas: [...new Map(sagas).values()],
    coordinators: new Map(coordinators),
    unreachable,
  };
}

const isParked = ({ saga }: KnownSaga): boolean => saga.state === SagaState.SAGA_STATE_PARKED;

type Told = Awaited<ReturnType<typeof ask>>;

async function ask(peer: Peer, signal: AbortSignal) {
  const options = { signal, timeoutMs: ASK_TIMEOUT_MS };
  const [inDoubt, listed, started] = await Promise.all([
    peer.participant?.listInDoubt({}, options),
    peer.coordinator?.listTransactions({}, options),
    peer.coordinator?.listSagas({}, options),
  ]);
  const { participant = '', branches = [] } = inDoubt ?? {};
  const { coordinator = '', transactions = [] } = listed ?? {};
  return [{ peer, participant, branches, coordinator, transactions, sagas: started?.sagas ?? [] }];
}

/** The transactions of all answers, the oldest first. */
function transactionsIn(told: Told): readonly KnownTransaction[] {
  const known = new Map<string, KnownTransaction>();
  const add = (ref: Transaction['ref'], more: (one: KnownTransaction) => Partial<KnownTransaction>) => {
    const { coordinator, id } = ref ?? { coordinator: '', id: '' };
    const one = known.get(`${coordinator}/${id}`) ?? { coordinator, id, logged: undefined, inDoubt: [] };
    known.set(`${coordinator}/${id}`, { ...one, ...more(one) });
  };
  for (const { peer, participant, branches, transactions } of told) {
    for (const logged of transactions) add(logged.ref, () => ({ logged }));
    for (const { transaction, prepareTime } of branches) {
      add(transaction, ({ inDoubt }) => ({
        inDoubt: [...inDoubt.filter((one) => one.participant !== participant), { participant, prepareTime, peer }],
      }));
    }
  }
  const sorted = [...known.values()].map((one) => ({
    ...one,
    inDoubt: one.inDoubt.toSorted((a, b) => (a.participant < b.participant ? -1 : 1)),
  }));
  return sorted.sort((a, b) => sinceOf(a) - sinceOf(b));
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
