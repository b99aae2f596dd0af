/** JSON-RPC with a program over its standard input and output, in the frames of the Language Server Protocol. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts a program of Node's in a folder. */
export function spawnServer(cwd: string, args: readonly string[]) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const pending = new Map<number | string, Pending>();
  let lastId = 0;
  const send = (message: object) => {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    child.stdin.write(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]));
  };
  child.stdout.on(
    'data',
    readFrames((message) => {
      if (message.method === undefined) settle(pending, message);
      // Requests to the editor, such as for its settings, get null.
      else if (message.id !== undefined) send({ id: message.id, result: null });
    }),
  );
  const ended = once(child, 'close');
  void ended.then(() => {
    for (const { reject } of pending.values()) reject(new Error(`${args.join(' ')} has ended`));
  });
  return {
    /** Resolves once it has ended. */
    ended,
    notify: (method: string, params?: unknown) => send({ method, params }),
    /** @throws Error with the program's error, or if the program has ended. */
    request(method: string, params?: unknown): Promise<unknown> {
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        pending.set(id, { resolve, reject });
        send({ id, method, params });
      });
    },
  };
}

function settle(pending: Map<number | string, Pending>, { id = '', result, error }: Message): void {
  const waiting = pending.get(id);
  pending.delete(id);
  if (error === undefined) waiting?.resolve(result);
  else waiting?.reject(new Error(error.message));
}

/** Returns a function that takes the chunks of a stream, and calls `onMessage` with each message. */
function readFrames(onMessage: (message: Message) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const end = rest.indexOf('\r\n\r\n');
      const [, length] = /Content-Length: (\d+)/i.exec(rest.toString('latin1', 0, Math.max(end, 0))) ?? [];
      if (end === -1 || length === undefined) return;
      const [from, to] = [end + 4, end + 4 + Number(length)];
      if (rest.length < to) return;
      const message: Message = JSON.parse(rest.toString('utf8', from, to));
      rest = rest.subarray(to);
      onMessage(message);
    }
  };
}
