import { fileURLToPath } from 'node:url';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { silentLogger } from '@rondo/rpc/call';
import { type Handlers, implement, type ServiceImplementation } from '@rondo/rpc/server';
import { invalidArgument, packDetail, RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { type App, startService } from '@rondo/service';

const ownDescriptors = fileURLToPath(new URL('../../contracts/descriptors.binpb', import.meta.url));

/** The metadata and deadlines that reached the conformance service, latest last. */
export const seen: { readonly tenant: string | undefined; readonly remainingMs: number | undefined }[] = [];

const calculator: Partial<Handlers<typeof CalculatorServiceDefinition>> = {
  add: ({ a, b }) => ({ result: a + b }),
  divide: ({ a, b }) => {
    if (b === 0n) throw invalidArgument([{ field: 'b', description: 'must not be 0' }]);
    return { quotient: a / b, remainder: a % b };
  },
  async *evaluateBatch({ expressions }) {
    const { code, message, details } = invalidArgument([{ field: 'expressions[0]', description: 'is none' }]);
    const errors = [{ index: 0, status: { code, message, details: [...details] } }];
    yield { firstIndex: 0, instance: 'one', results: expressions.map(() => ''), errors };
  },
  async sum(numbers) {
    let result = 0n;
    let count = 0n;
    for await (const { value } of numbers) {
      result += value;
      count += 1n;
    }
    return { result, count };
  },
};

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
  async *serverStream(_request, { signal }) {
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
}

/** Starts an instance as a service's process does, and registers it with the given registry. */
function start(name: string, registry: string, options: Started) {
  const { services, descriptors = ownDescriptors, ready = true, serverMiddleware = [] } = options;
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
    },
    log: silentLogger,
    createApp: () => ({ services, serverMiddleware, dependencies: ready ? [] : [{ name: 'the database', check }] }),
  });
}

/** Starts a calculator with both of its contracts; its reflection uses another descriptor set if one is given. */
export function startCalculator(name: string, registry: string, options: Omit<Started, 'services'> = {}) {
  const published = implement(CalculatorDefinition, { add: ({ a, b }) => ({ result: a + b }) });
  const services = [standIn(CalculatorServiceDefinition, calculator), published];
  return start(name, registry, { services, ...options });
}

/** Starts a calculator that refuses calls without credentials, reflection included. */
export function startGuarded(name: string, registry: string) {
  const guard: NonNullable<App['serverMiddleware']>[number] = (call, next) =>
    call.metadata.get('authorization') === 'Bearer ada'
      ? next(call)
      : Promise.reject(new RpcError(Status.UNAUTHENTICATED, 'who are you?'));
  return start(name, registry, {
    services: [standIn(CalculatorServiceDefinition, calculator)],
    serverMiddleware: [guard],
  });
}

/** Starts a service with a method of each kind. */
export function startConformance(name: string, registry: string) {
  return start(name, registry, { services: [standIn(ConformanceServiceDefinition, conformance)] });
}
