/** `ring_hash` over real connections: every call and stream of a key goes to its owner, while replicas come and go. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { balancing } from '@rondo/balancing';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { BoundedServiceDefinition, PinnedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/pinned';
import { eventually, root, runNode, type ServiceProcess, startRegistry } from '@rondo/harness';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient, createRegistryChannel } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { type RunningService, startService } from '@rondo/service';

const CALLS = 200;
const STREAMS = 90;
const KEYS = Array.from({ length: 30 }, (_, index) => `rooms/${index}`);
const environment = { RONDO_LISTEN: '127.0.0.1:0', RONDO_DRAIN_WAIT_MS: '0', RONDO_MAX_CALLS: `${2 * CALLS}` };

let directory: ServiceProcess;
const replicas = new Map<string, RunningService>();
const channels: Channel[] = [];

/** Holds the calls that are answered only when all of them have arrived. */
const gate = { missing: 0, open: () => {}, opened: Promise.resolve() };
function close(calls: number): void {
  gate.missing = calls;
  gate.opened = new Promise((resolve) => {
    gate.open = resolve;
  });
}
async function arrive(): Promise<void> {
  gate.missing -= 1;
  if (gate.missing === 0) gate.open();
  await gate.opened;
}

async function startReplica(id: string): Promise<void> {
  const replica = await startService({
    name: 'pinned',
    port: 0,
    plugins: [balancing],
    environment: { ...environment, RONDO_REGISTRY: directory.address, RONDO_INSTANCE_ID: id },
    log: silentLogger,
    createApp: ({ channel, instanceId }) => {
      const touch = async () => {
        await arrive();
        return { instance: instanceId };
      };
      const pinned = implement(PinnedServiceDefinition, {
        touch,
        async *hold({ key, token }, { signal }) {
          yield { owner: instanceId, token: '1' };
          if (key === 'slow' && token === '') throw new RpcError(Status.ABORTED, 'its reader is too slow');
          let owner = instanceId;
          for await (const next of channel.watchOwner(PinnedServiceDefinition, key, { signal })) {
            if (next.instanceId !== owner) yield { owner: next.instanceId };
            owner = next.instanceId;
          }
        },
      });
      return { services: [pinned, implement(BoundedServiceDefinition, { touch })] };
    },
  });
  replicas.set(id, replica);
}

function openChannel(): Channel {
  const channel = createRegistryChannel({ registry: [directory.address], policies: balancing });
  channels.push(channel);
  return channel;
}

async function ownersIn(channel: Channel): Promise<readonly string[]> {
  const owners = await Promise.all(KEYS.map((key) => channel.ownerOf(PinnedServiceDefinition, key)));
  return owners.map(({ instanceId }) => instanceId);
}

/** Opens a channel that is connected to all replicas: after a second without a connection, a key's calls go to the next one. */
async function connect(count: number): Promise<Channel> {
  const channel = openChannel();
  await ownersIn(channel);
  await eventually(() => expect(known(channel)).toBe(count));
  return channel;
}

/** Makes calls of one key, all in flight at the same time, by two clients. */
async function touchAtOnce(service: typeof PinnedServiceDefinition | typeof BoundedServiceDefinition, calls: number) {
  const clients = [await connect(3), channels[0] ?? openChannel()].map((channel) => createClient(service, { channel }));
  close(calls);
  const all = Array.from({ length: calls }, (_, call) =>
    clients[call % 2]?.touch({ key: 'rooms/7' }, { timeoutMs: 60_000 }),
  );
  return (await Promise.all(all)).map((answer) => answer?.instance);
}

/** A stream of a key: where it began, where the key has moved since, and how it ended. */
interface Held {
  readonly key: string;
  readonly owners: string[];
  code: string | undefined;
}

/** Opens streams, and resolves when each has begun. */
async function holdAll(channel: Channel): Promise<readonly Held[]> {
  const client = createClient(PinnedServiceDefinition, { channel });
  return Promise.all(
    Array.from({ length: STREAMS }, (_, index): Promise<Held> => {
      const held: Held = { key: KEYS[index % KEYS.length] ?? '', owners: [], code: undefined };
      return new Promise((resolve, reject) => {
        const follow = async () => {
          for await (const { owner } of client.hold({ key: held.key })) {
            held.owners.push(owner);
            resolve(held);
          }
        };
        follow().catch((error: unknown) => {
          held.code = error instanceof RpcError ? error.codeName : 'no RpcError';
          reject(error);
        });
      });
    }),
  );
}

const misplaced = (streams: readonly Held[], owners: readonly string[]) =>
  streams.filter(({ key, owners: [first] }) => first !== owners[KEYS.indexOf(key)]).length;

/** The streams that don't know where their keys belong now, unless their instance has gone. */
const unaware = (streams: readonly Held[], owners: readonly string[]) =>
  streams.filter(({ key, owners: known, code }) => code === undefined && known.at(-1) !== owners[KEYS.indexOf(key)]);

const known = (channel: Channel) =>
  channel.inspect().flatMap(({ endpoints }) => endpoints.filter(({ held }) => held === undefined)).length;

beforeAll(async () => {
  directory = await startRegistry({ warmingMs: 0 });
  for (const id of ['replica-1', 'replica-2', 'replica-3']) await startReplica(id);
});

afterAll(async () => {
  for (const channel of channels) channel.close();
  for (const replica of replicas.values()) await replica.drain();
  await directory.stop();
});

describe('keys of ring_hash', () => {
  it('go to their owner, of which clients, handlers and rondo pick know, while replicas come and go', async () => {
    const [one, other] = [await connect(3), await connect(3)];
    const before = await ownersIn(one);
    expect(new Set(before).size).toBe(3);
    const first = await holdAll(await connect(3));
    expect({ misplaced: misplaced(first, before), elsewhere: await ownersIn(other) }).toEqual({
      misplaced: 0,
      elsewhere: before,
    });
    const environmentOf = { RONDO_REGISTRY: directory.address };
    const { stdout } = await runNode(['scripts/rondo.mjs', 'pick', 'PinnedService', '--key', KEYS[3] ?? ''], {
      cwd: root,
      env: environmentOf,
    });
    expect(stdout.split(' ')[0]).toBe(before[3]);

    await startReplica('replica-4');
    await eventually(() => expect([known(one), known(other)]).toEqual([4, 4]));
    const joined = await ownersIn(one);
    expect(joined.filter((id, index) => id !== before[index] && id !== 'replica-4')).toEqual([]);
    expect(joined).toContain('replica-4');
    const second = [...(await holdAll(one)), ...(await holdAll(await connect(4)))];
    expect(misplaced(second, joined)).toBe(0);
    await eventually(() => expect(unaware([...first, ...second], joined)).toEqual([]));
    expect(misplaced(first, before)).toBe(0);

    await replicas.get('replica-2')?.drain();
    await eventually(() => expect([known(one), known(other)]).toEqual([3, 3]));
    const left = await ownersIn(other);
    expect(left.filter((id, index) => id !== joined[index] && joined[index] !== 'replica-2')).toEqual([]);
    const third = [...(await holdAll(one)), ...(await holdAll(await connect(3)))];
    expect(misplaced(third, left)).toBe(0);
    await eventually(() => expect(unaware([...first, ...second, ...third], left)).toEqual([]));
  });

  it('are resumed at their owner after a break, as long as it is ready', async () => {
    const channel = await connect(3);
    const { instanceId } = await channel.ownerOf(PinnedServiceDefinition, 'slow');
    const owners: string[] = [];
    for await (const { owner } of createClient(PinnedServiceDefinition, { channel }).hold({ key: 'slow' })) {
      if (owners.push(owner) === 2) break;
    }
    expect(owners).toEqual([instanceId, instanceId]);
  });

  it('have all their simultaneous calls there, unless the contract bounds the load', async () => {
    const { instanceId } = await (await connect(3)).ownerOf(PinnedServiceDefinition, 'rooms/7');
    for (const calls of [2, CALLS]) {
      expect(new Set(await touchAtOnce(PinnedServiceDefinition, calls))).toEqual(new Set([instanceId]));
    }
    expect(new Set(await touchAtOnce(BoundedServiceDefinition, CALLS)).size).toBe(3);
  });

  it('have no owner under another policy', async () => {
    await expect(openChannel().ownerOf(AdderServiceDefinition, 'a')).rejects.toThrow(
      'rondo.conformance.v1.AdderService: no instance owns the key "a", as round_robin sends the calls of a key to any instance',
    );
  });
});
