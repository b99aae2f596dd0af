import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { CachedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/cached';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { createRouter, type Handlers, implement, type ServiceImplementation, serve } from '@rondo/rpc/server';
import { invalidArgument, packDetail, RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { type App, type ServiceContext, startService } from '@rondo/service';
import { indexFiles, readDescriptorFile, serveReflection } from '@rondo/service/built-in';
import { patient } from './recording-context.js';

const ownDescriptors = fileURLToPath(new URL('../../contracts/descriptors.binpb', import.meta.url));

/** The metadata and deadlines that reached the conformance service, latest last. */
export const seen: { readonly tenant: string | undefined; readonly remainingMs: number | undefined }[] = [];

/** Adds; refuses a negative `b`. */
const adder = implement(AdderServiceDefinition, {
  add: ({ a, b }) => {
    if (b < 0n) throw invalidArgument([{ field: 'b', description: 'must not be negative' }]);
    return { result: a + b };
  },
});

const conformance: Partial<Handlers<typeof ConformanceServiceDefinition>> = {
  unary({ text, behaviour }, call) {
    const remainingMs = call.deadline === undefined ? undefined : call.deadline.getTime() - Date.now();
    seen.push({ tenant: call.metadata.get('tenant'), remainingMs });
    if (behaviour !== undefined && behaviour.code !== 0) {
      const details = [packDetail(ErrorInfo, { reason: behaviour.errorReason, domain: 'test' })];
      throw new RpcError(Status.FAILED_PRECONDITION, behaviour.message, { details });
    }
    return { text: text.toUpperCase() };
  },
  async clientStream(requests) {
    const texts: string[] = [];
    for await (const { text } of requests) texts.push(text);
    return { texts };
  },
  /** One reply that failed if `count` is 1; otherwise one reply, and no end. */
  async *serverStream({ count }, { signal }) {
    if (count === 1) {
      const { code, message, details } = invalidArgument([{ field: 'count', description: 'is too small' }]);
      yield { status: { code, message, details: [...details] } };
      return;
    }
    yield { index: 1 };
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  },
  async *follow({ count, resumeToken, breakAfter }) {
    const from = Number(resumeToken);
    const until = Math.min(count, from + breakAfter);
    for (let index = from; index < until; index += 1) yield { index, resumeToken: `${index + 1}` };
    if (until < count) throw new RpcError(Status.UNAVAILABLE, 'this instance is shutting down');
  },
  async *bidiStream(requests) {
    for await (const { text } of requests) yield { text: text.toUpperCase() };
  },
};

interface Started {
  readonly services: readonly ServiceImplementation[];
  readonly descriptors?: string;
  /** Whether its dependencies, such as its database, are ready. */
  readonly ready?: boolean;
  /** The middleware of all its methods. */
  readonly serverMiddleware?: App['serverMiddleware'];
  readonly onContext?: (context: ServiceContext) => void;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts an instance as a service's process does, and registers it with the given registry. */
function start(name: string, registry: string, options: Started) {
  const {
    services,
    descriptors = ownDescriptors,
    ready = true,
    serverMiddleware = [],
    onContext,
    environment,
  } = options;
  const check = () => Promise.reject(new Error('connection refused'));
  return startService({
    name,
    port: 1,
    environment: {
      RONDO_INSTANCE_ID: name,
      RONDO_LISTEN: '127.0.0.1:0',
      RONDO_REGISTRY: registry,
      RONDO_DRAIN_WAIT_MS: '0',
      RONDO_DESCRIPTORS: descriptors,
      ...environment,
    },
    clock: patient(1_000),
    log: silentLogger,
    createApp(context) {
      onContext?.(context);
      return { services, serverMiddleware, parts: ready ? [] : [{ name: 'the database', check }] };
    },
  });
}

/** Starts an adder; its reflection uses another descriptor set if one is given. */
export function startAdder(name: string, registry: string, options: Omit<Started, 'services'> = {}) {
  return start(name, registry, { services: [adder], ...options });
}

/** Starts an adder as a server of another framework: with reflection, without health, and without its id in the trailer. */
export function startForeignAdder() {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(ownDescriptors));
  const index = indexFiles(
    set.file.map((file) => readDescriptorFile(Buffer.from(toBinary(FileDescriptorProtoSchema, file)))),
  );
  const reflection = serveReflection({ services: () => [AdderServiceDefinition.fullName], files: () => index });
  return serve(createRouter({ services: [adder, ...reflection] }), { listen: '127.0.0.1:0' });
}

/** Starts an adder that refuses calls without credentials, reflection included. */
export function startGuarded(name: string, registry: string) {
  const guard: NonNullable<App['serverMiddleware']>[number] = (call, next) =>
    call.metadata.get('authorization') === 'Bearer ada'
      ? next(call)
      : Promise.reject(new RpcError(Status.UNAUTHENTICATED, 'who are you?'));
  return start(name, registry, { services: [adder], serverMiddleware: [guard] });
}

/** Starts a service with a method of each kind. */
export function startConformance(name: string, registry: string) {
  return start(name, registry, { services: [standIn(ConformanceServiceDefinition, conformance)] });
}

/** Starts a service that is refused the feed by which the answers end that it keeps of its own. `read` asks for one. */
export async function startUnfed(name: string, registry: string) {
  const watchEntries = () => {
    throw new RpcError(Status.PERMISSION_DENIED, 'not for you');
  };
  const services = [standIn(CachedServiceDefinition, { readEntry: ({ name: text }) => ({ text }), watchEntries })];
  let context: ServiceContext | undefined;
  const service = await start(name, registry, { services, onContext: (given) => (context = given) });
  const read = async () => {
    if (context === undefined) throw new Error(`${name} has no context`);
    await createClient(CachedServiceDefinition, { channel: context.channel }).readEntry({ name: 'a' });
    return context.cache.feeds();
  };
  return { ...service, read };
}
