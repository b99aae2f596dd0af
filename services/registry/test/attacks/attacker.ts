import { once } from 'node:events';
import http2 from 'node:http2';
import {
  type Instance,
  ListInstancesRequest,
  ListInstancesResponse,
  RegisterRequest,
  RegisterResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { type Status, statusName } from '@rondo/rpc/status';

/** What came of a call: the status's name, or how the stream ended without one. */
export interface Outcome {
  readonly code: string;
  /** The messages of the reply. */
  readonly messages: readonly Buffer[];
}

/** What an attacker sends beside the message. */
export interface CallOptions {
  readonly headers?: http2.OutgoingHttpHeaders;
  /** The body as it goes onto the wire; by default the message, framed as gRPC has it. */
  readonly body?: Buffer;
  /** Leaves the stream open, and reads nothing of it. */
  readonly abandon?: boolean;
  /** Ends the stream when the first message has come. */
  readonly takesOne?: boolean;
}

/** One that has a connection of its own to a registry, as grpcurl has or as it makes one by hand, and reads what is public. */
export interface Attacker {
  call(method: string, message?: Uint8Array, options?: CallOptions): Promise<Outcome>;
  register(request: Parameters<typeof RegisterRequest.fromPartial>[0]): Promise<Outcome>;
  /** The victim, as every caller may see it. */
  victim(): Promise<Instance>;
  /** Registers an instance of its own, for 3 s, and gives its lease. */
  own(instance: Parameters<typeof RegisterRequest.fromPartial>[0]['instance']): Promise<string>;
  close(): void;
}

/** On a machine however busy. */
const ENOUGH_MS = 30_000;

/** Connects an attacker of the instance `victimId`. */
export function connectAttacker(address: string, victimId: string): Attacker {
  const session = http2.connect(`http://${address}`);
  session.on('error', () => undefined);
  const call: Attacker['call'] = async (method, message = Buffer.alloc(0), options = {}) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/rondo.registry.v1.RegistryService/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...options.headers,
    });
    if (options.abandon !== true) return exchange(stream, { body: framed(message), ...options });
    stream.on('error', () => undefined).pause();
    stream.end(framed(message));
    await once(stream, 'response');
    return { code: 'OPEN', messages: [] };
  };
  const register: Attacker['register'] = (request) =>
    call('Register', RegisterRequest.encode(RegisterRequest.fromPartial(request)).finish());
  return {
    call,
    register,
    async victim() {
      const { messages } = await call('ListInstances', ListInstancesRequest.encode({ ...ALL }).finish());
      const { instances } = ListInstancesResponse.decode(messages[0] ?? Buffer.alloc(0));
      const found = instances.find(({ instanceId }) => instanceId === victimId);
      if (found === undefined) throw new Error(`${victimId} isn't listed`);
      return found;
    },
    async own(instance) {
      const { code, messages } = await register({ instance, ttl: { seconds: 3n } });
      if (code !== 'OK') throw new Error(`the attacker's own instance was refused: ${code}`);
      return RegisterResponse.decode(messages[0] ?? Buffer.alloc(0)).leaseId;
    },
    close: () => session.destroy(),
  };
}

const ALL = { service: '', pageSize: 0, pageToken: '' };

/** A message as gRPC has it in a stream. */
export function framed(message: Uint8Array, { compressed = 0, length = message.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

async function exchange(
  stream: http2.ClientHttp2Stream,
  { body, takesOne = false }: Pick<CallOptions, 'body' | 'takesOne'>,
): Promise<Outcome> {
  let code: string | undefined;
  const note = (headers: http2.IncomingHttpHeaders) => {
    const status = headers['grpc-status'];
    if (status !== undefined) code = statusName(Number(status) as Status);
    else if (headers[':status'] !== undefined && Number(headers[':status']) !== 200)
      code ??= `HTTP ${headers[':status']}`;
  };
  const chunks: Buffer[] = [];
  stream.on('response', note).on('trailers', note);
  stream.on('data', (bytes: Buffer) => {
    chunks.push(bytes);
    if (takesOne && unframed(Buffer.concat(chunks)).length > 0) stream.close();
  });
  const ended = new Promise<void>((resolve) => {
    stream.once('close', () => resolve());
    stream.on('error', () => {
      code ??= 'RESET';
    });
  });
  stream.setTimeout(ENOUGH_MS, () => stream.close());
  stream.end(body);
  await ended;
  return { code: code ?? 'ENDED', messages: unframed(Buffer.concat(chunks)) };
}

function unframed(bytes: Buffer): readonly Buffer[] {
  const messages: Buffer[] = [];
  for (let rest = bytes; rest.length >= 5; ) {
    const end = 5 + rest.readUInt32BE(1);
    if (rest.length < end) break;
    messages.push(rest.subarray(5, end));
    rest = rest.subarray(end);
  }
  return messages;
}
