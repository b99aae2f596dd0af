import { once } from 'node:events';
import http2 from 'node:http2';
import {
  type Instance,
  InstanceStatus,
  ListInstancesRequest,
  ListInstancesResponse,
  RegisterRequest,
  RegisterResponse,
  Security,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { statusName } from '@rondo/rpc/internal';
import type { Status } from '@rondo/rpc/status';

/** One attack and its expected outcome. */
export interface Attempt {
  /** The predicate of a sentence that begins with "an attacker". */
  readonly name: string;
  /** The status that the call ends with. Several are allowed if the transport may be faster. */
  readonly ends: string | readonly string[];
  run(attacker: Attacker): Promise<string>;
}

/** An endpoint to which the attacker wants to divert calls. No process listens there. */
export const ELSEWHERE = {
  address: '127.0.0.1:9',
  protocols: [1],
  security: Security.SECURITY_PLAINTEXT,
  minPingInterval: undefined,
};

let lives = 0n;

/** An instance of the attacker, with a greater incarnation than all before, of a service that no client calls. */
export function ownInstance(part: Partial<Instance> = {}): Partial<Instance> {
  lives += 1n;
  return {
    instanceId: 'the-attackers',
    incarnation: lives,
    endpoints: [ELSEWHERE],
    services: ['evil.v1.EvilService'],
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
    ...part,
  };
}

/** The outcome of a call: the name of the status, or how the stream ended without one. */
interface Outcome {
  readonly code: string;
  /** The messages of the reply. */
  readonly messages: readonly Buffer[];
}

/** How an attacker reads the answer. */
interface CallOptions {
  /** Leaves the stream open without reading from it. */
  readonly abandon?: boolean;
  /** Ends the stream after the first message. */
  readonly takesOne?: boolean;
}

/** A caller with a connection of its own, such as grpcurl or a hand-made client, that knows all public answers. */
export interface Attacker {
  call(method: string, message?: Uint8Array, options?: CallOptions): Promise<Outcome>;
  register(request: Parameters<typeof RegisterRequest.fromPartial>[0]): Promise<Outcome>;
  /** The victim as every caller sees it. */
  victim(): Promise<Instance>;
  /** Registers an instance of the attacker for 3 s and returns the lease id. */
  own(instance: Parameters<typeof RegisterRequest.fromPartial>[0]['instance']): Promise<string>;
  close(): void;
}

/** Only a hang takes so long. */
const ENOUGH_MS = 300_000;

/** Connects an attacker whose victim is the instance `victimId`. */
export function connectAttacker(address: string, victimId: string): Attacker {
  const session = http2.connect(`http://${address}`);
  session.on('error', () => undefined);
  const call: Attacker['call'] = async (method, message = Buffer.alloc(0), options = {}) => {
    const headers = {
      ':method': 'POST',
      ':path': `/rondo.registry.v1.RegistryService/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    const stream = session.request(headers);
    if (options.abandon !== true) return exchange(stream, framed(message), options);
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

/** Frames a message as gRPC does. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

async function exchange(
  stream: http2.ClientHttp2Stream,
  body: Buffer,
  { takesOne = false }: CallOptions,
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
