import {
  type Instance,
  InstanceStatus,
  Protocol,
  RegistryServiceDefinition,
  Security,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { startRegistry, until } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { now } from '../time.js';
import type { Certificates } from './certificates.js';

/** A registry of a testbed. */
export type RegistryNode = Awaited<ReturnType<typeof startRegistryNode>>;

const SERVICE = 'calculator.v1.CalculatorService';
const LASTING = { seconds: 600n, nanos: 0 };
const CALL = { timeoutMs: 2_000 };

/** Starts a registry at a port of its own. Resolves when it listens. */
export async function startRegistryNode(settings: Readonly<Record<string, string>>, certificates: Certificates) {
  const env = { ...settings, ...certificates.variablesOf('registry') };
  let running = await startRegistry({ env });
  const { address } = running;
  const mutualTls = certificates.mutualTlsOf('calculator');
  const channel = createChannel({ resolver: staticResolver([address]), mutualTls });
  const client = createClient(RegistryServiceDefinition, { channel });

  const list = async () => {
    const { instances } = await client.listInstances({}, CALL);
    return instances.map(({ instanceId }) => ownId(instanceId)).sort();
  };
  return {
    address,
    signal: (signal: NodeJS.Signals) => running.signal(signal),
    /** Ends it by a signal, `SIGTERM` by default. */
    stop: (signal?: NodeJS.Signals) => running.stop(signal),
    /** Starts it at the same address; gives when it listened. */
    async restart(): Promise<number> {
      running = await startRegistry({ listen: address, env });
      return running.listenedAt;
    },
    /** Waits until it lists exactly these instances, and gives when it did. */
    untilListed(instances: readonly string[], timeoutMs: number): Promise<number> {
      const wanted = [...instances].sort().join(', ');
      return until(async () => ((await list()).join(', ') === wanted ? now() : undefined), {
        what: `the registry lists exactly ${wanted}`,
        timeoutMs,
      });
    },
    /** Registers an address as a calculator, without a process that would do so, until the testbed is closed. */
    async register(instanceId: string, at: string): Promise<void> {
      const instance = toInstance({ instanceId, address: at, service: SERVICE, secure: mutualTls !== undefined });
      await client.register({ instance, ttl: LASTING }, CALL);
    },
    async close(): Promise<void> {
      channel.close();
      await running.stop('SIGKILL');
    },
  };
}

/** The id that a process has given itself: over TLS the registry may put the name of the identity behind it. */
export const ownId = (instanceId: string): string => instanceId.replace(/@.*$/, '');

interface FakeInstance {
  readonly instanceId: string;
  readonly address: string;
  readonly service: string;
  readonly secure: boolean;
}

/** An instance that no process registers for itself, as `Register` takes it. */
export function toInstance({ instanceId, address, service, secure }: FakeInstance): Partial<Instance> {
  const security = secure ? Security.SECURITY_TLS : Security.SECURITY_PLAINTEXT;
  const endpoint = { address, protocols: [Protocol.PROTOCOL_GRPC], security };
  return {
    instanceId,
    incarnation: BigInt(Date.now()),
    endpoints: [{ ...endpoint, minPingInterval: undefined }],
    services: [service],
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
  };
}
