import { type Instance, InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { BOUNDS } from './bounds.js';
import type { ClientProcess, FailedCall } from './client-process.js';
import type { Cluster } from './cluster.js';
import type { Word } from './heard.js';
import type { InstanceProcess } from './instance-process.js';
import { REGISTRY } from './registry-process.js';
import type { World } from './world.js';

/**
 * A safe call fails only where, at every moment from {@link BOUNDS.reconnectMs} before it began until it ended, no one
 * instance was up, willing, known to the client as such, and undisturbed on its way from the client; or where its deadline
 * passed while more than one had fallen silent, since it can wait for the keepalive of one.
 */
export function judgeFailure(world: World, cluster: Cluster, call: FailedCall & { client: ClientProcess }): void {
  const { client, startedAt, reason } = call;
  const since = startedAt - BOUNDS.reconnectMs;
  if (world.troubles.calmSince(client.name, client.name) > startedAt) return;
  const able = [...client.heard.words.values()].find((word) => isUsable(world, cluster, { client, word, since }));
  if (able === undefined || waitedTwice(world, cluster, call)) return;
  const detail = `${able.instanceId} could have taken the call that failed with: ${reason}`;
  world.report({ rule: 'a safe call fails only where no instance could take it', node: client.name, detail });
}

/** Whether a call ran out of time while two or more of those that it may have been tried at were silent. */
function waitedTwice(world: World, cluster: Cluster, { client, startedAt }: FailedCall & { client: ClientProcess }) {
  if (world.clock.now() - startedAt < BOUNDS.callTimeoutMs) return false;
  const silent = [...client.heard.words.values()].filter((word) => {
    const node = cluster.processOf(word)?.node;
    return node !== undefined && world.troubles.calmSince(client.name, node) > startedAt - BOUNDS.silenceMs;
  });
  return silent.length > 1;
}

interface Use {
  readonly client: ClientProcess;
  readonly word: Word;
  /** From when on. */
  readonly since: number;
}

/** Whether what the client heard of is there and can be reached, and all that since a time. */
function isUsable(world: World, cluster: Cluster, { client, word, since }: Use): boolean {
  if (word.state !== 'in' || word.since > since) return false;
  const found = cluster.processOf(word);
  if (found === undefined || !found.running || found.startedAt > since) return false;
  const calmSince = world.troubles.calmSince(client.name, found.node);
  // What the registry doesn't name any more is kept while its connection stands.
  const connectedBy = Math.min(since, (word.unlistedAt ?? Number.POSITIVE_INFINITY) - BOUNDS.reconnectMs);
  return calmSince <= connectedBy;
}

/** Nobody calls an instance after hearing that it is gone, nor one that wants no calls where another does. */
export function judgePick(world: World, cluster: Cluster, pick: { client: ClientProcess; address: string }): void {
  const { client, address } = pick;
  const now = world.clock.now();
  const words = [...client.heard.words.values()];
  const word = words.find((one) => one.address === address);
  if (word === undefined || word.state === 'in' || word.since >= now) return;
  const since = now - BOUNDS.reconnectMs;
  const other = words.find((one) => isUsable(world, cluster, { client, word: one, since }));
  if (word.state === 'out' && other === undefined) return;
  const detail = `calls ${word.instanceId} ${now - word.since} ms after hearing that it is ${word.state}`;
  world.report({ rule: 'nobody calls an instance after hearing that it wants no calls', node: client.name, detail });
}

/** What the registry holds, and holds no more. */
export function judgeRegistry(world: World, cluster: Cluster, listed: readonly Instance[]): void {
  for (const instance of listed) {
    judgeOwner(world, cluster, instance);
    judgeKept(world, cluster, instance);
    judgeIncarnation(world, cluster, instance);
  }
  for (const one of cluster.processes) {
    const { instanceId, incarnation } = one;
    const later = cluster.processes.some((other) => other.instanceId === instanceId && other.incarnation > incarnation);
    if (!one.displaced || later) continue;
    const detail = `${instanceId} was told that a later process has its name, and there is none`;
    world.report({ rule: 'the later incarnation wins', node: one.node, detail });
  }
  const now = world.clock.now();
  for (const one of cluster.current()) {
    const calmSince = Math.max(world.troubles.calmSince(one.node, REGISTRY), cluster.registrySince, one.startedAt);
    if (now - calmSince <= BOUNDS.registeredAgainMs || cluster.isPreceded(one)) continue;
    if (listed.some(({ instanceId, incarnation }) => isSame(one, { instanceId, incarnation }))) continue;
    const detail = `${one.instanceId} is missing ${now - calmSince} ms after both were there`;
    world.report({ rule: 'whoever lives is registered again in time', node: one.node, detail });
  }
}

/** What is listed is what a process said of itself. */
function judgeOwner(world: World, cluster: Cluster, instance: Instance): void {
  const owner = cluster.processOf(instance);
  const address = instance.endpoints[0]?.address;
  if (owner?.address === address) return;
  const detail = `${instance.instanceId} is at ${address}, where it should be at ${owner?.address}`;
  world.report({ rule: 'an instance is its own alone', node: REGISTRY, detail });
}

function judgeKept(world: World, cluster: Cluster, { instanceId, incarnation, lapseTime }: Instance): void {
  const one = cluster.processes.find((process) => isSame(process, { instanceId, incarnation }));
  if (one?.endedAt === undefined) return;
  const now = world.clock.now();
  const { ttlMs, expirySlackMs, heldBackTtls, lateMs } = BOUNDS;
  // A registry that was stopped itself gives everybody the time to renew.
  const fromMs = Math.max(one.endedAt + lateMs, world.troubles.calmSince(REGISTRY, REGISTRY));
  const heldMs = lapseTime === undefined ? 0 : heldBackTtls * ttlMs;
  if (now > fromMs + ttlMs + heldMs + expirySlackMs) {
    const detail = `${instanceId} is kept ${now - one.endedAt} ms after its end`;
    world.report({ rule: 'nothing is kept after its time', node: REGISTRY, detail });
  }
  if (one.goodbyeAt === undefined || one.goodbyeAt < cluster.registrySince || one.goodbyeAt >= now) return;
  const detail = `${instanceId} is listed ${now - one.goodbyeAt} ms after its goodbye was answered`;
  world.report({ rule: 'a goodbye is final', node: REGISTRY, detail });
}

/** Of two that run, the registry doesn't hold the earlier once it has held the later. */
function judgeIncarnation(world: World, cluster: Cluster, { instanceId, incarnation }: Instance): void {
  const held = cluster.processOf({ instanceId, incarnation });
  if (held !== undefined) held.heldAt ??= world.clock.now();
  const later = cluster.processes.find(
    (one) => one.instanceId === instanceId && one.incarnation > incarnation && one.running,
  );
  if (later?.heldAt === undefined || later.heldAt < cluster.registrySince) return;
  // A later one whose lease ran out, or was taken over by one that is gone by now, has to come back first.
  if (world.troubles.calmSince(later.node, REGISTRY) > later.heldAt) return;
  if (cluster.wasFreed(instanceId, BOUNDS.registeredAgainMs)) return;
  const detail = `${instanceId} is of incarnation ${incarnation} after ${later.incarnation} was there`;
  world.report({ rule: 'the later incarnation wins', node: REGISTRY, detail });
}

function isSame(one: InstanceProcess, { instanceId, incarnation }: Pick<Instance, 'instanceId' | 'incarnation'>) {
  return one.instanceId === instanceId && one.incarnations.has(incarnation);
}

/** At the end of the quiet everybody knows the same. */
export function judgeConvergence(world: World, cluster: Cluster, listed: readonly Instance[]): void {
  const rule = 'every watcher converges';
  const truth = cluster.current().map(({ instanceId }) => instanceId);
  const held = listed.map(({ instanceId }) => instanceId);
  const expectSame = (node: string, found: readonly string[], expected: readonly string[]) => {
    const [one, other] = [[...found].sort().join(' '), [...expected].sort().join(' ')];
    if (one !== other) world.report({ rule, node, detail: `[${one}] where it should be [${other}]` });
  };
  expectSame(`what ${REGISTRY} holds`, held, truth);
  for (const { instanceId, status } of listed) {
    const one = cluster.current().find((process) => process.instanceId === instanceId);
    if (one === undefined || one.ready === (status === InstanceStatus.INSTANCE_STATUS_SERVING)) continue;
    const detail = `${instanceId} is ${InstanceStatus[status]} where its own word is ${one.ready ? 'ready' : 'not ready'}`;
    world.report({ rule, node: REGISTRY, detail });
  }
  const details = listed.map(({ instanceId, incarnation }) => `${instanceId}/${incarnation}`);
  for (const client of cluster.clients.values()) {
    const told = client.heard.listed.map(({ instanceId, incarnation }) => `${instanceId}/${incarnation}`);
    expectSame(`what the watch of ${client.name} told`, told, details);
    expectSame(`what ${client.name} has endpoints of`, client.endpoints, held);
  }
}
