import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, isPicked, reasonOf } from '@rondo/operate/internal';
import type { Metadata } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import {
  type BalancingOverrides,
  DEFAULT_SERVICE_POLICY,
  type LiveSettings,
  type Method,
  methodsOf,
  type ServiceView,
} from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { methodOf, servicePolicy } from '@rondo/schema';
import { learnSchema } from '../call/target.js';
import { openRegistryChannel } from '../channels.js';
import { type Asking, within } from '../deadline.js';

/** The call to pick an instance for. */
export interface Question {
  /** Fully qualified. */
  readonly service: string;
  /** The method's name in the contract; undefined for any method. */
  readonly method: string | undefined;
  readonly metadata: Metadata;
  readonly key: string | undefined;
}

/** What the client is made from. */
export interface ObserverOptions extends Asking {
  readonly question: Question;
  /** The instances that the registry lists for the service. */
  readonly instances: readonly Instance[];
  readonly registry: readonly string[];
  /** The client's zone, `region/zone`; empty for none. */
  readonly zone: string;
  readonly balancing: BalancingOverrides;
  /** The live settings, which outrank `balancing`. */
  readonly settings: LiveSettings['calls'];
}

/** A client of one service that makes no call. */
export interface Observer {
  /** Picks the instance of the next call. Rejects if none can be picked in time. */
  pick(): ReturnType<Channel['choose']>;
  view(): ServiceView;
  readonly unknown: string | undefined;
}

/** How long a pick waits until instances are resolved and connected. Milliseconds. */
const PICK_TIMEOUT_MS = 2_000;

/** Runs `work` with a client of one service. The client resolves, connects and picks, and makes no call. */
export async function withObserver<T>(options: ObserverOptions, work: (observer: Observer) => Promise<T>): Promise<T> {
  const { question, registry, zone, balancing, settings, clock } = options;
  const { method, policy, unknown } = await readContract(options);
  const channel = await openRegistryChannel({ registry, zone, balancing, clock });
  const view = () => {
    const found = channel.inspect().find(({ service }) => service === question.service);
    if (found === undefined) throw new Error(`the channel doesn't watch ${question.service}`);
    return found;
  };
  try {
    channel.configure(settings);
    channel.follow(question.service, policy);
    return await work({ pick: () => pick(channel, method, options), view, unknown });
  } finally {
    channel.close();
  }
}

/** Fetches the contract from one of the instances. If none returns it, the defaults apply. */
async function readContract({ question: { service, method }, instances, signal }: ObserverOptions) {
  const anyMethod = methodCalled(service, method ?? '*');
  const asked = instances.filter((instance) => isPicked(instance) && addressOf(instance) !== '');
  const where = { by: 'address', addresses: asked.map(addressOf) } as const;
  const reasonOfNone = (error: unknown) => {
    if (!(error instanceof RpcError) || signal.aborted) throw error;
    return reasonOf(error);
  };
  const schema =
    asked.length === 0 ? 'no instance serves it' : await learnSchema(service, { where, signal }).catch(reasonOfNone);
  if (typeof schema === 'string') return { method: anyMethod, policy: DEFAULT_SERVICE_POLICY, unknown: schema };
  const named = method === undefined ? anyMethod : methodOf(schema.method(method));
  return { method: named ?? anyMethod, policy: servicePolicy(schema.desc), unknown: undefined };
}

/** A method whose contract isn't known. */
function methodCalled(service: string, name: string): Method {
  const call = { ...HealthDefinition.methods.check, name };
  const [method] = methodsOf({ name: service, fullName: service, methods: { call } }).values();
  if (method === undefined) throw new Error('the service has a method');
  return method;
}

function pick(channel: Channel, method: Method, options: ObserverOptions): ReturnType<Channel['choose']> {
  const { service, metadata, key: hashKey } = options.question;
  return within(PICK_TIMEOUT_MS, options, {
    work: (signal) => channel.choose(method, { signal, metadata, hashKey }),
    late() {
      const endpoints = channel.inspect().find((view) => view.service === service)?.endpoints ?? [];
      const reasons = endpoints.map(({ instanceId, held = 'connected' }) => `${instanceId}: ${held}`);
      const known = reasons.length === 0 ? 'the registry has not answered' : reasons.join('; ');
      return new RpcError(Status.UNAVAILABLE, `no instance could be picked within ${PICK_TIMEOUT_MS} ms: ${known}`);
    },
  });
}
