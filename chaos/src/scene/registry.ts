import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { now, until } from '../time.js';
import { toInstance } from './instance.js';
import { listening } from './listening.js';
import { freePort } from './ports.js';
import { type Program, startNode } from './program.js';

/** A registry of a scene. */
export interface RegistryNode {
  readonly address: string;
  signal(signal: NodeJS.Signals): void;
  /** Ends it by a signal. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it at the address where it was; gives when it listened. */
  restart(): Promise<number>;
  /** The ids of the instances that it lists, by id. */
  list(): Promise<readonly string[]>;
  /** Waits until it lists just these, and gives when it did. */
  untilListed(instances: readonly string[], timeoutMs: number): Promise<number>;
  /** Registers an instance that isn't one of the scene's own, for as long as the scene lasts. */
  register(instanceId: string, address: string): Promise<void>;
  close(): Promise<void>;
}

/** Serves as the calculator does, or says so. */
const SERVICE = 'calculator.v1.CalculatorService';
const LASTING = { seconds: 600n, nanos: 0 };
const CALL = { timeoutMs: 2_000 };

/** Starts a registry at a port of its own, and keeps asking it until it answers. */
export async function startRegistry(name: string, env: Readonly<Record<string, string>>): Promise<RegistryNode> {
  const address = `127.0.0.1:${await freePort()}`;
  const start = () =>
    startNode(name, { main: 'services/registry/dist/main.js', env: { ...env, RONDO_LISTEN: address } });
  let program: Program = start();
  await listening(program);
  const channel = createChannel({ resolver: staticResolver([address]) });
  const client = createClient(RegistryServiceDefinition, { channel });

  const list = async () => {
    const { instances } = await client.listInstances({}, CALL);
    return instances.map(({ instanceId }) => instanceId).sort();
  };
  return {
    address,
    signal: (signal) => program.signal(signal),
    stop: (signal) => program.end(signal),
    async restart() {
      program = start();
      return (await listening(program)).at;
    },
    list,
    untilListed(instances, timeoutMs) {
      const wanted = [...instances].sort().join(', ');
      return until(async () => ((await list()).join(', ') === wanted ? now() : undefined), {
        what: `the registry lists just ${wanted}`,
        timeoutMs,
      });
    },
    async register(instanceId, at) {
      await client.register(
        { instance: toInstance({ instanceId, address: at, service: SERVICE }), ttl: LASTING },
        CALL,
      );
    },
    async close() {
      channel.close();
      program.signal('SIGCONT');
      await program.end('SIGKILL');
    },
  };
}
