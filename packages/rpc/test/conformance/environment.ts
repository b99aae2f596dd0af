import { afterEach } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Channel, createClient } from '../../src/exports/client.js';
import type { Clock } from '../../src/exports/clock.js';
import { createRouter, type Handlers, type Router } from '../../src/exports/server.js';
import type { RouterOptions } from '../../src/server/router.js';
import { type ConformanceClient, conformanceService } from '../support/service.js';
import type { ServedDefinition } from './handlers.js';

/** One server and a channel to it, over the transport under test. */
export interface Environment {
  readonly channel: Channel;
  close(): Promise<void>;
}

export interface EnvironmentOptions {
  readonly router: Router;
  /** The channel's clock. */
  readonly clock?: Clock;
}

/** Sets up the transport under test. */
export type MakeEnvironment = (options: EnvironmentOptions) => Promise<Environment>;

export interface StartOptions extends Omit<RouterOptions, 'services'> {
  /** Handlers that replace those of the conformance service. */
  readonly handlers?: Partial<Handlers<ServedDefinition>>;
}

/** What each part of the suite works with. Its servers close when their test ends. */
export interface Harness {
  start(options?: StartOptions): Promise<ConformanceClient>;
  /** A channel to a server of other services. */
  open(options: RouterOptions): Promise<Channel>;
}

export function createHarness(makeEnvironment: MakeEnvironment): Harness {
  const environments: Environment[] = [];
  afterEach(async () => {
    await Promise.all(environments.splice(0).map((environment) => environment.close()));
  });
  async function open(options: RouterOptions): Promise<Channel> {
    const router = createRouter(options);
    const environment = await makeEnvironment({ router, ...(options.clock && { clock: options.clock }) });
    environments.push(environment);
    return environment.channel;
  }
  return {
    open,
    async start({ handlers, ...options } = {}) {
      const channel = await open({ services: [conformanceService(handlers)], ...options });
      return createClient(ConformanceServiceDefinition, { channel });
    },
  };
}
