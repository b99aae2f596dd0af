import type { Metadata } from '@rondo/rpc/call';
import type { Channel, Endpoint } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { createReflection, loadSchema, type Schema, withErrorDetails } from '@rondo/schema';
import type { ContractSource } from './contracts.js';

/** Options of {@link reflectionContracts}. */
export interface ReflectionSourceOptions {
  /** Sent with each question, for servers that admit only callers with credentials. */
  readonly metadata?: Metadata | undefined;
  /** Ends the questions when it aborts. */
  readonly signal?: AbortSignal;
}

/** How long the registry may take to list the services. Milliseconds. */
const LISTING_MS = 5_000;

/**
 * Contracts that the servers behind a channel return by reflection. If the channel's resolver knows services by name, as
 * the registry's does, a server of the service is asked; otherwise any server of the channel.
 */
export function reflectionContracts(channel: Channel, options: ReflectionSourceOptions = {}): ContractSource {
  const { metadata, signal = new AbortController().signal } = options;
  const ask = { signal, metadata };
  return {
    async services() {
      const endpoints = await listed(channel);
      if (endpoints.length === 0) return createReflection(channel, ask).listServices();
      return [...new Set(endpoints.flatMap(({ services = [] }) => services))];
    },
    async load(service) {
      const endpoints = await listed(channel);
      if (endpoints.length === 0) return reflectedContract(service, channel, ask);
      const serving = endpoints.filter(({ services, state }) => state === 'serving' && services?.includes(service));
      if (serving.length === 0) {
        // @cause The registry knows the service, but no instance of it is ready to be asked for its contract.
        // @remedy Start an instance, or wait until one is serving: `rondo ps`.
        // @effect none
        throw new RpcError(Status.UNAVAILABLE, `no instance of ${service} is serving; start one, or wait for it`);
      }
      // The contract decides how the service is balanced, so the caller's channel can't call the service yet.
      const direct = channel.direct(serving);
      try {
        return await reflectedContract(service, direct, ask);
      } finally {
        direct.close();
      }
    },
  };
}

/** The contract of a service from a server behind `channel`, by reflection. */
export async function reflectedContract(
  service: string,
  channel: Channel,
  options: { readonly signal: AbortSignal; readonly metadata?: Metadata | undefined },
): Promise<Schema> {
  const reflection = createReflection(channel, options);
  const files = await withErrorDetails(await reflection.filesOf(service), reflection);
  return loadSchema(
    service,
    files.map(({ proto }) => proto),
  );
}

/** All instances that the channel's resolver knows by their services; none if it knows no service by name. */
function listed(channel: Channel): Promise<readonly Endpoint[]> {
  return new Promise((resolve, reject) => {
    // @cause The call was made, or waited for an instance, when the channel was closed.
    // @remedy Make calls before `channel.close()`, and await those that run.
    // @effect none
    if (channel.closed) throw new RpcError(Status.UNAVAILABLE, 'the channel is closed; make calls before close()');
    const fail = (reason: string) => {
      end();
      // @cause The registry, or the channel's other source of addresses, doesn't answer a dynamic client.
      // @remedy Follow the reason in the text; `rondo doctor` checks the registry.
      // @effect none
      reject(new RpcError(Status.UNAVAILABLE, `the services that there are can't be looked up: ${reason}`));
    };
    const timer = channel.clock.setTimer(LISTING_MS, () => fail(`no answer within ${LISTING_MS} ms`));
    let ended = false;
    const end = () => {
      ended = true;
      timer.cancel();
      following?.close();
    };
    let following: { close(): void } | undefined;
    following = channel.followAll({
      onResolution({ endpoints }) {
        end();
        resolve(endpoints);
      },
      onFailure: fail,
      onPending() {},
    });
    // A resolver may report before it returns.
    if (ended) following.close();
  });
}
