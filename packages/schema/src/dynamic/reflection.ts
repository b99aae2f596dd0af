import type { Metadata } from '@rondo/rpc/call';
import type { Channel, Endpoint } from '@rondo/rpc/client';
import { clientErrors } from '@rondo/rpc/internal';
import { loadSchema, type Schema } from '../contract.js';
import { createReflection, withErrorDetails } from '../reflection.js';
import type { ContractSource } from './contracts.js';
import { dynamicErrors } from './errors.js';

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
 * Contracts that the servers behind a channel return by reflection. If the channel's resolver knows services by name, as the
 * registry's does, the contract is requested from an instance of the service; otherwise from any server of the channel.
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
      if (serving.length === 0) throw dynamicErrors.NONE_SERVING({ service });
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
    if (channel.closed) throw clientErrors.CHANNEL_CLOSED();
    const fail = (reason: string) => {
      end();
      reject(dynamicErrors.NO_LIST({ reason }));
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
