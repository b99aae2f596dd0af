import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { entryRegistrar, type OpenRegistry, openedBy, parseLocation, type RegistryAdapter } from '@rondo/registries';
import type { Clock, Random } from '@rondo/rpc/clock';
import { fromNode, toNode } from './node.js';
import { create, read, remove, set } from './nodes.js';
import { Session } from './session.js';
import { Changes, Tree } from './tree.js';

/** Options of {@link zookeeperRegistry}. */
export interface ZooKeeperOptions {
  /** How long the nodes of a process stay once it is silent; the servers bound it, by default to 4 s and 40 s. Milliseconds. */
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Curator's usual place. */
const DEFAULT_PATH = '/services';
const PORT = 2181;
const PROGRESS_MS = 5_000;

/**
 * ZooKeeper as a registry: each service of an instance is an ephemeral node at `PATH/SERVICE/ID`, as Curator's `x-discovery` has it.
 * It needs servers of version 3.6 or later.
 *
 * @param url `zookeeper://HOST:PORT,HOST:PORT/PATH`; the path is `/services` by default. `?greeter.v1.Greeter=greeter` finds and
 *   registers a service by another name.
 * @throws TypeError if the URL is wrong.
 */
export function zookeeperRegistry(url: string, { ttlMs, clock, random }: ZooKeeperOptions): RegistryAdapter {
  const { servers, path, address, nameOf, serviceOf } = parseLocation(url, { scheme: 'zookeeper', port: PORT });
  const root = path === '' ? DEFAULT_PATH : path;
  const session = new Session({ servers, timeoutMs: ttlMs, clock, random });
  const serviceAt = (node: string) => serviceOf(node.slice(root.length + 1).split('/')[0] ?? '');

  async function* watch(service: string, signal: AbortSignal) {
    const connection = await session.connection();
    const top = service === '' ? root : `${root}/${nameOf(service)}`;
    const depth = service === '' ? 2 : 1;
    const changes = new Changes(clock);
    const isInstance = (node: string) =>
      node.startsWith(`${top}/`) && node.slice(top.length).split('/').length - 1 === depth;
    const unwatch = connection.onEvent((node) => isInstance(node) && changes.add(node));
    const end = () => changes.end();
    signal.addEventListener('abort', end, { once: true });
    void connection.closed.then((why) => changes.end(why));
    try {
      const tree = new Tree(connection, serviceAt);
      await tree.load(top, service === '');
      yield tree.list();
      for (let changed = await changes.next(PROGRESS_MS); changed; changed = await changes.next(PROGRESS_MS)) {
        yield (await tree.update(changed)) ? tree.list() : undefined;
      }
    } finally {
      unwatch();
      signal.removeEventListener('abort', end);
    }
  }

  return { ...entryRegistrar(nodesOf(session, root), nameOf), address, watch, close: () => session.close() };
}

/** The nodes of an instance, which end with the session. */
function nodesOf(session: Session, root: string): Parameters<typeof entryRegistrar>[0] {
  const pathOf = (name: string, { instanceId }: Instance) => `${root}/${name}/${instanceId}`;
  return {
    async read(name, instance) {
      const connection = await session.connection();
      const node = await read(connection, pathOf(name, instance));
      const found = node && fromNode(name, node.text);
      // The node of an earlier process, or of an expired session, will go.
      return node?.owner === connection.session.id || (found?.incarnation ?? 0n) > instance.incarnation
        ? found
        : undefined;
    },
    async write(name, instance) {
      const connection = await session.connection();
      const [path, text] = [pathOf(name, instance), toNode(name, instance)];
      const node = await read(connection, path);
      if (node?.owner === connection.session.id && (await set(connection, path, text))) return;
      if (node !== undefined) await remove(connection, path);
      if (!(await create(connection, path, text)))
        throw new Error(`${path}: another process writes it at the same time`);
    },
    renew: () => Promise.resolve(true), // the session does
    remove: async (name, instance) => remove(await session.connection(), pathOf(name, instance)),
  };
}

/** Opens ZooKeeper for a process. @throws TypeError if the URL is wrong. */
export const openZooKeeper: OpenRegistry = (url, options) => openedBy(zookeeperRegistry(url, options), options);
