import { MAX_INSTANCES } from '@rondo/registries';
import { type Connection, ErrorCode, Op, ZooKeeperError } from './connection.js';
import type { JuteReader, JuteWriter } from './jute.js';

/** A node, and the session that it ends with; 0 if it stays. */
export interface Node {
  readonly text: string;
  readonly owner: bigint;
}

/** By which nodes are read and written. */
export type Requests = Pick<Connection, 'request'>;

const EPHEMERAL = 1;
const CONTAINER = 4;
const PERSISTENT_RECURSIVE = 1;
const ANY_VERSION = -1;

/** The answer, or undefined if the server refuses with `code`. */
async function unless<T>(code: number, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ZooKeeperError && error.code === code) return undefined;
    throw error;
  }
}

/** The node; undefined if there is none. */
export async function read(connection: Requests, path: string): Promise<Node | undefined> {
  const asked = connection.request(Op.getData, (writer) => writer.text(path).bool(false));
  const reply = await unless(ErrorCode.noNode, asked);
  return reply && { text: reply.text(), owner: ownerOf(reply) };
}

/** The names below a node; none if it doesn't exist. @throws RangeError if there are more than {@link MAX_INSTANCES}. */
export async function childrenOf(connection: Requests, path: string): Promise<readonly string[]> {
  const asked = connection.request(Op.getChildren, (writer) => writer.text(path).bool(false));
  return (await unless(ErrorCode.noNode, asked))?.texts(MAX_INSTANCES) ?? [];
}

/** Has the server tell of each change of the node and of what is below it, whether it exists or not. */
export async function addWatch(connection: Requests, path: string): Promise<void> {
  await connection.request(Op.addWatch, (writer) => writer.text(path).int(PERSISTENT_RECURSIVE));
}

/** Creates a node that ends with the session, and the containers above it. Returns whether there was none. */
export async function create(connection: Requests, path: string, text: string): Promise<boolean> {
  const write = () => connection.request(Op.create, (writer) => creation(writer, { path, text, flags: EPHEMERAL }));
  const parent = path.slice(0, path.lastIndexOf('/'));
  const created = await unless(
    ErrorCode.nodeExists,
    unless(ErrorCode.noNode, write()).then(async (reply) => {
      if (reply !== undefined) return reply;
      await createContainers(connection, parent);
      return write();
    }),
  );
  return created !== undefined;
}

/** An empty container is removed by the server, as nothing else would. */
async function createContainers(connection: Requests, path: string): Promise<void> {
  for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
    const above = end < 0 ? path : path.slice(0, end);
    const asked = connection.request(Op.createContainer, (writer) =>
      creation(writer, { path: above, text: '', flags: CONTAINER }),
    );
    await unless(ErrorCode.nodeExists, asked);
    if (end < 0) return;
  }
}

function creation(writer: JuteWriter, node: { path: string; text: string; flags: number }): JuteWriter {
  const everybody = writer.text(node.path).text(node.text).int(1).int(ALL_RIGHTS);
  return everybody.text('world').text('anyone').int(node.flags);
}

const ALL_RIGHTS = 31;

/** Returns whether there is such a node. */
export async function set(connection: Requests, path: string, text: string): Promise<boolean> {
  const asked = connection.request(Op.setData, (writer) => writer.text(path).text(text).int(ANY_VERSION));
  return (await unless(ErrorCode.noNode, asked)) !== undefined;
}

export async function remove(connection: Requests, path: string): Promise<void> {
  await unless(
    ErrorCode.noNode,
    connection.request(Op.delete, (writer) => writer.text(path).int(ANY_VERSION)),
  );
}

/** Reads a node's `Stat`. */
function ownerOf(stat: JuteReader): bigint {
  for (let time = 0; time < 4; time += 1) stat.long();
  for (let version = 0; version < 3; version += 1) stat.int();
  return stat.long();
}
