import { afterEach } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Channel, createClient } from '../../src/exports/client.js';
import type { Clock } from '../../src/exports/clock.js';
import { createRouter, type Handlers, type Router, type RouterOptions } from '../../src/exports/server.js';
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
}

export function createHarness(makeEnvironment: MakeEnvironment): Harness {
  const open: Environment[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((environment) => environment.close()));
  });
  return {
    async start({ handlers, ...options } = {}) {
      const router = createRouter({ services: [conformanceService(handlers)], ...options });
      const environment = await makeEnvironment({ router, ...(options.clock && { clock: options.clock }) });
      open.push(environment);
      return createClient(ConformanceServiceDefinition, { channel: environment.channel });
    },
  };
}
