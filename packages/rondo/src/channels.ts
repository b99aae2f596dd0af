import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { balancing } from '@rondo/balancing';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, createGatherer, type Gatherer, type Reach } from '@rondo/operate/internal';
import {
  type Channel,
  type ChannelOptions,
  type ClientCall,
  createChannel,
  createRegistryChannel,
  type Endpoint,
  fixedEndpoint,
  staticResolver,
} from '@rondo/rpc/client';
import { type Clock, systemClock, systemRandom } from '@rondo/rpc/clock';
import {
  configuredToken,
  type MutualTls,
  observeReply,
  openMutualTls,
  readTlsSettings,
  sendToken,
} from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import { SERVED_BY } from './call/requests.js';
import type { CommandContext } from './command.js';
import { asUsage } from './errors.js';
import { IN_USE, PERSON } from './launch/security.js';
import { answerBy, openOtherKind } from './registry/other-kind.js';

/** What a command calls with. */
interface Credentials {
  readonly clock: Clock;
  readonly tls: MutualTls | undefined;
  readonly token: string | undefined;
}

/** Opens the credentials with which a command calls. Every command opens its channels within the scope that has them. */
const credentials = new AsyncLocalStorage<() => Credentials>();

/** What decides with which certificate a command calls. */
type CallerContext = Pick<CommandContext, 'environment' | 'dataDirectory' | 'clock' | 'wallClock'>;

/**
 * Runs a command whose channels use a certificate and the token of `RONDO_TOKEN`. The certificate is that of `RONDO_TLS_DIR`, or
 * the person's of `rondo certs` if the system of this folder runs with TLS. Both are read when the first channel is opened.
 */
export function withCredentials<T>(context: CallerContext, work: () => Promise<T>): Promise<T> {
  let opened: Credentials | undefined;
  const open = () => {
    opened ??= {
      clock: context.clock,
      tls: openCertificate(context),
      token: asUsage(() => configuredToken(context.environment)),
    };
    return opened;
  };
  return credentials.run(open, work);
}

function openCertificate(context: CallerContext): MutualTls | undefined {
  const { environment, dataDirectory, clock, wallClock } = context;
  const open = () => {
    const configured = readTlsSettings(environment);
    const certs = path.join(dataDirectory, 'certs');
    const isSet = (environment['RONDO_TLS'] ?? '').trim() !== '' || !existsSync(path.join(certs, IN_USE));
    // A person can call a fleet that changes over: by TLS where an instance has it.
    const own = { mode: 'permissive', folder: configured.folder ?? path.join(certs, PERSON) } as const;
    const settings = isSet ? configured : { ...configured, ...own };
    if (settings.mode === 'off') return undefined;
    const descriptorSet = readDescriptors(environment['RONDO_DESCRIPTORS']);
    return openMutualTls(settings, { usage: 'client', descriptorSet, clock, wallClock });
  };
  return asUsage(open, (reason) => `your certificate can't be used: ${reason}; renew it: rondo certs`);
}

/** The contracts, which say who may serve them; without them that is the process named like the package. */
function readDescriptors(file: string | undefined): Uint8Array | undefined {
  try {
    return readFileSync(file ?? fileURLToPath(import.meta.resolve('@rondo/contracts/descriptors.binpb')));
  } catch {
    return undefined; // an image without contracts
  }
}

/** Longer than a service waits, which has other connections: a command makes its first, maybe on a machine that is busy. */
const connectTimeoutMs = 3_000;

/** Opens a channel with the certificate and the token of the command. */
export const openChannel = (options: ChannelOptions): Channel => createChannel(withOwn(options));

/** Opens a channel over the registry, likewise. */
export async function openRegistryChannel(
  options: Omit<ChannelOptions, 'resolver' | 'tls'> & { readonly registry: readonly string[] },
): Promise<Channel> {
  const { registry, ...own } = withOwn(options);
  const adapter = await openOtherKind(registry);
  if (adapter === undefined) return createRegistryChannel({ ...own, registry });
  const { adapterResolver } = await import('@rondo/registries');
  const over = { clock: own.clock, random: systemRandom, tls: own.mutualTls?.mode, close: () => void adapter.close() };
  return createChannel({ healthCheck: true, ...own, resolver: adapterResolver(adapter, over) });
}

/** Has the trailer name the instance, as Rondo's servers do, if the server doesn't. */
const nameInstance: Middleware<ClientCall> = async (call, next) => {
  const reply = await next(call);
  const end = () => {
    const instance = call.attempts.at(-1)?.instance;
    if (instance !== undefined && !reply.trailer.has(SERVED_BY)) reply.trailer.set(SERVED_BY, instance);
  };
  return observeReply(reply, { end });
};

function withOwn<O extends Pick<ChannelOptions, 'middleware'>>(options: O) {
  const { clock = systemClock, tls, token } = credentials.getStore()?.() ?? {};
  const middleware = [nameInstance, ...sendToken(token), ...(options.middleware ?? [])];
  return { connectTimeoutMs, clock, policies: balancing, ...options, mutualTls: tls, middleware };
}

/** Registered instances as a channel knows them. */
export const endpointsOf = (instances: readonly Instance[]): readonly Endpoint[] =>
  instances.map(({ instanceId, services, ...one }) => fixedEndpoint(addressOf(one), { instanceId, services }));

/** A gatherer for a command, which asks all instances, however many there are. */
export const gathererOf = (channel: Reach, clock: Clock): Gatherer =>
  createGatherer({ channel, clock, maxAsked: { once: Number.POSITIVE_INFINITY, following: Number.POSITIVE_INFINITY } });

/** Reaches the given processes, with the certificate and the token of the command. */
export const reachOf = (endpoints: readonly Endpoint[]): Reach => ({
  direct: (asked) => openChannel({ resolver: staticResolver(asked.map(({ address }) => address)) }),
  followAll(listener) {
    listener.onResolution({ endpoints, departed: [] });
    return { close() {} };
  },
});

/** Runs `work` with a channel to the first of some addresses that answers, or to a registry of another kind, and closes it. */
export async function withChannel<T>(
  addresses: readonly string[],
  work: (channel: Channel) => Promise<T>,
  options: Omit<ChannelOptions, 'resolver'> = {},
): Promise<T> {
  const adapter = await openOtherKind(addresses);
  const own = adapter ? { middleware: [answerBy(adapter)] } : {};
  const channel = openChannel({ ...options, ...own, resolver: staticResolver(adapter ? [] : addresses) });
  try {
    return await work(channel);
  } finally {
    channel.close();
    await adapter?.close();
  }
}
