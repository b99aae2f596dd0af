import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Held } from '@rondo/registries';
import type { Connection } from './connection.js';
import { fromNode } from './node.js';
import { create, ownerAt, read, remove, set } from './nodes.js';

/** The node of an instance for one of its services. */
export interface Place {
  readonly service: string;
  readonly path: string;
  readonly text: string;
}

/** How often another process may create the node between two requests. */
const TRIES = 3;

/** Writes the node within this session. A node of an earlier process, or of an expired session, is replaced. */
export async function put(connection: Connection, place: Place, instance: Instance): Promise<'held' | 'displaced'> {
  const { path, text } = place;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const state = await check(connection, place, instance);
    if (state === 'displaced') return state;
    if (state === 'held' && (await set(connection, path, text))) return state;
    if (state === 'forgotten') await remove(connection, path);
    if (await create(connection, path, text)) return 'held';
  }
  throw new Error(`${path}: other processes write it at the same time`);
}

/** Whether the node is of this session; `forgotten`: there is none, or one of an earlier process. */
export async function check(connection: Connection, { path, service }: Place, instance: Instance): Promise<Held> {
  const owner = await ownerAt(connection, path);
  if (owner === connection.session.id) return 'held';
  const other = owner === undefined ? undefined : fromNode(service, (await read(connection, path))?.text ?? '');
  return other !== undefined && other.incarnation > instance.incarnation ? 'displaced' : 'forgotten';
}
