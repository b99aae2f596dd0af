import { type Instance, InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { BOUNDS } from './bounds.js';
import type { ClientProcess, FailedCall } from './client-process.js';
import type { InstanceProcess } from './instance-process.js';
import { REGISTRY } from './registry-process.js';
import type { WatchedInstance } from './watch-record.js';
import type { World } from './world.js';

/** What the rules see of the processes: the true state of each. */
interface Cluster {
  readonly clients: ReadonlyMap<string, ClientProcess>;
  readonly processes: readonly InstanceProcess[];
  readonly registrySince: number;
  processOf(known: Pick<WatchedInstance, 'instanceId' | 'incarnation' | 'address'>): InstanceProcess | undefined;
  current(): readonly InstanceProcess[];
  isPreceded(one: InstanceProcess): boolean;
  wasFreed(instanceId: string, withinMs: number): boolean;
}

/**
 * Checks a failed call. A safe call may fail only in three cases. Either it has had all of its attempts. Or there was no instance that, from {@link
 * BOUNDS.reconnectMs} before the call began until it ended, was always up, willing to take calls, known to the client
 * as such, and undisturbed on its way from the client. Or the deadline passed while more than one instance had fallen
 * silent, because a call waits until one is known to be silent.
 */
export function checkFailure(world: World, cluster: Cluster, call: FailedCall & { client: ClientProcess }): void {
  const { client, startedAt, reason, attempts } = call;
  // A call that still had attempts would have ended in "no instance …" or at its deadline.
  const early = world.clock.now() - startedAt < BOUNDS.callTimeoutMs && !reason.startsWith('no instance');
  if (early && attempts >= BOUNDS.maxAttempts) return;
  const since = startedAt - BOUNDS.reconnectMs;
  if (world.disturbances.calmSince(client.name, client.name) > startedAt) return;
  const able = [...client.watchRecord.instances.values()].find((known) =>
    isUsable(world, cluster, { client, known, since }),
  );
  if (able === undefined || waitedTwice(world, cluster, call)) return;
  const detail = `${able.instanceId} could have taken the call that failed with: ${reason}`;
  world.report({ rule: 'a safe call fails only if no instance could take it', node: client.name, detail });
}

/** Whether a call ran out of time while two or more of the instances that it may have been tried at were silent. */
function waitedTwice(world: World, cluster: Cluster, { client, startedAt }: FailedCall & { client: ClientProcess }) {
  if (world.clock.now() - startedAt < BOUNDS.callTimeoutMs) return false;
  const silent = [...client.watchRecord.instances.values()].filter((known) => {
    const node = cluster.processOf(known)?.node;
    return node !== undefined && world.disturbances.calmSince(client.name, node) > startedAt - BOUNDS.silenceMs;
  });
  return silent.length > 1;
}

interface Use {
  readonly client: ClientProcess;
  readonly known: WatchedInstance;
  /** The time from which the instance must have been usable. */
  readonly since: number;
}

/** Whether an instance that the client knows has been up and reachable since a given time. */
function isUsable(world: World, cluster: Cluster, { client, known, since }: Use): boolean {
  if (known.state !== 'in' || known.since > since) return false;
  const found = cluster.processOf(known);
  if (found === undefined || !found.running || found.startedAt > since) return false;
  const calmSince = world.disturbances.calmSince(client.name, found.node);
  // The client keeps an instance that the registry no longer lists as long as its connection stands.
  const connectedBy = Math.min(since, (known.unlistedAt ?? Number.POSITIVE_INFINITY) - BOUNDS.reconnectMs);
  return calmSince <= connectedBy;
}

/**
 * Checks a pick: a client never calls an instance that it knows is gone. It calls one that drains or is cordoned only if there is no other.
 */
export function checkPick(world: World, cluster: Cluster, pick: { client: ClientProcess; address: string }): void {
  const { client, address } = pick;
  const now = world.clock.now();
  const watched = [...client.watchRecord.instances.values()];
  const known = watched.find((one) => one.address === address);
  if (known === undefined || known.state === 'in' || known.since >= now) return;
  const since = now - BOUNDS.reconnectMs;
  const other = watched.find((one) => isUsable(world, cluster, { client, known: one, since }));
  if (known.state === 'out' && other === undefined) return;
  const detail = `calls ${known.instanceId} ${now - known.since} ms after its watch reported it as ${known.state}`;
  world.report({ rule: 'no client calls an instance that it knows to want no calls', node: client.name, detail });
}

/** Checks the instances that the registry lists. */
export function checkRegistry(world: World, cluster: Cluster, listed: readonly Instance[]): void {
  for (const instance of listed) {
    checkOwner(world, cluster, instance);
    checkRemoved(world, cluster, instance);
    checkIncarnation(world, cluster, instance);
  }
  for (const one of cluster.processes) {
    const { instanceId, incarnation } = one;
    const later = cluster.processes.some((other) => other.instanceId === instanceId && other.incarnation > incarnation);
    if (!one.displaced || later) continue;
    const detail = `${instanceId} was refused because of a later process with its id, and there is none`;
    world.report({ rule: 'the later incarnation wins', node: one.node, detail });
  }
  const now = world.clock.now();
  for (const one of cluster.current()) {
    const calmSince = Math.max(world.disturbances.calmSince(one.node, REGISTRY), cluster.registrySince, one.startedAt);
    if (now - calmSince <= BOUNDS.registeredAgainMs || cluster.isPreceded(one)) continue;
    if (listed.some(({ instanceId, incarnation }) => isSame(one, { instanceId, incarnation }))) continue;
    const detail = `${one.instanceId} is missing ${now - calmSince} ms after it and the registry were up`;
    world.report({ rule: 'a live instance is registered again in time', node: one.node, detail });
  }
}

/** Checks that a listed instance is as its process described itself. */
function checkOwner(world: World, cluster: Cluster, instance: Instance): void {
  const address = addressOf(instance);
  const owner = cluster.processOf({ ...instance, address });
  if (owner?.address === address) return;
  const detail = `${instance.instanceId} is at ${address}, but should be at ${owner?.address}`;
  world.report({ rule: 'only an instance itself changes its registration', node: REGISTRY, detail });
}

const addressOf = ({ endpoints }: Instance): string => endpoints[0]?.address ?? '';

function checkRemoved(world: World, cluster: Cluster, instance: Instance): void {
  const { instanceId, lapseTime } = instance;
  const one = cluster.processOf({ ...instance, address: addressOf(instance) });
  if (one?.endedAt === undefined) return;
  const now = world.clock.now();
  const { ttlMs, expirySlackMs, heldBackTtls, lateMs } = BOUNDS;
  // A registry that was suspended gives every instance the time to renew.
  const fromMs = Math.max(one.endedAt + lateMs, world.disturbances.calmSince(REGISTRY, REGISTRY));
  const heldMs = lapseTime === undefined ? 0 : heldBackTtls * ttlMs;
  if (now > fromMs + ttlMs + heldMs + expirySlackMs) {
    const detail = `${instanceId} is kept ${now - one.endedAt} ms after its end`;
    world.report({ rule: 'no instance is kept after its time', node: REGISTRY, detail });
  }
  if (one.deregisteredAt === undefined || one.deregisteredAt < cluster.registrySince || one.deregisteredAt >= now)
    return;
  const detail = `${instanceId} is listed ${now - one.deregisteredAt} ms after its deregistration was answered`;
  world.report({ rule: 'a deregistration is final', node: REGISTRY, detail });
}

/** Checks that the registry doesn't hold the earlier of two running processes after it has held the later one. */
function checkIncarnation(world: World, cluster: Cluster, instance: Instance): void {
  const { instanceId, incarnation } = instance;
  const held = cluster.processOf({ ...instance, address: addressOf(instance) });
  if (held !== undefined) held.heldAt ??= world.clock.now();
  const later = cluster.processes.find(
    (one) => one.instanceId === instanceId && one.incarnation > incarnation && one.running,
  );
  if (later?.heldAt === undefined || later.heldAt < cluster.registrySince) return;
  // A later process whose lease ran out, or was taken over by a process that has ended, must register again first. The
  // lease of a process that was killed lasts for a TTL.
  if (world.disturbances.calmSince(later.node, REGISTRY) > later.heldAt) return;
  const { ttlMs, expirySlackMs, registeredAgainMs } = BOUNDS;
  if (cluster.wasFreed(instanceId, ttlMs + expirySlackMs + registeredAgainMs)) return;
  const detail = `${instanceId} is of incarnation ${incarnation} after ${later.incarnation} was there`;
  world.report({ rule: 'the later incarnation wins', node: REGISTRY, detail });
}

function isSame(one: InstanceProcess, { instanceId, incarnation }: Pick<Instance, 'instanceId' | 'incarnation'>) {
  return one.instanceId === instanceId && one.incarnations.has(incarnation);
}

/** Checks the end of the quiet period: the registry and every client know the same instances. */
export function checkConvergence(world: World, cluster: Cluster, listed: readonly Instance[]): void {
  const rule = 'every watcher converges';
  const truth = cluster.current().map(({ instanceId }) => instanceId);
  const held = listed.map(({ instanceId }) => instanceId);
  const expectSame = (node: string, found: readonly string[], expected: readonly string[]) => {
    const [one, other] = [[...found].sort().join(' '), [...expected].sort().join(' ')];
    if (one !== other) world.report({ rule, node, detail: `[${one}] instead of [${other}]` });
  };
  expectSame(`the list of the ${REGISTRY}`, held, truth);
  for (const { instanceId, status } of listed) {
    const one = cluster.current().find((process) => process.instanceId === instanceId);
    if (one === undefined || one.ready === (status === InstanceStatus.INSTANCE_STATUS_SERVING)) continue;
    const detail = `${instanceId} is ${InstanceStatus[status]} while the process itself is ${one.ready ? 'ready' : 'not ready'}`;
    world.report({ rule, node: REGISTRY, detail });
  }
  const details = listed.map(({ instanceId, incarnation }) => `${instanceId}/${incarnation}`);
  for (const client of cluster.clients.values()) {
    const reported = client.watchRecord.listed.map(({ instanceId, incarnation }) => `${instanceId}/${incarnation}`);
    expectSame(`what the watch of ${client.name} reported`, reported, details);
    expectSame(`the endpoints of ${client.name}`, client.endpoints, held);
  }
}
