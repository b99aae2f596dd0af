import type { Authority } from '@rondo/certificates';
import { SecuredServiceDefinition } from '@rondo/contracts/rondo/conformance/auth/v1/secured';
import { callerIdentity, callPrincipal, type Principal, type ServerCall } from '../../src/exports/call.js';
import { type Channel, createChannel, createClient, staticResolver } from '../../src/exports/client.js';
import { systemClock, systemRandom, systemWallClock, type WallClock } from '../../src/exports/clock.js';
import { createRouter, implement, type RpcServer, serve } from '../../src/exports/server.js';
import { endExpiredStreams } from '../../src/principal/end-expired.js';
import { verifyPrincipals } from '../../src/principal/verify-principals.js';
import { createAuthorize } from '../../src/server/authorize.js';
import { createMemoryOutcomes } from '../../src/testing/memory-outcomes.js';
import type { MutualTls } from '../../src/tls/mutual-tls.js';
// The first call by gRPC would load it, within its deadline.
import '../../src/transport/grpc/link.js';
import { peerTransports } from '../../src/transport/peer-connection.js';
import { type WireCall, wrapTransport } from '../../src/transport/transport.js';
import { type CertificateFolder, folderOf, type IssueOptions, mutualTlsIn } from './identities.js';
import { HANG_MS } from './wait.js';

export const ada: Principal = {
  subject: 'ada',
  issuer: 'https://issuer.test',
  scopes: ['secured.read', 'secured.write'],
  actors: [],
};

/** How a client differs from one that only calls. */
export interface ClientSettings {
  readonly frames?: boolean;
  /** Changes each call below the client's own signature. */
  readonly change?: (wire: WireCall) => WireCall;
}

/** Processes with certificates of one authority, of which some serve `SecuredService` with its rules. */
export class SecuredSystem {
  readonly #authority: Authority;
  readonly #channels: Channel[] = [];
  readonly #servers: RpcServer[] = [];

  constructor(authority: Authority) {
    this.#authority = authority;
  }

  folderOf(name: string, options: IssueOptions = {}): Promise<CertificateFolder> {
    return folderOf(this.#authority, name, options);
  }

  async processOf(name: string, options: IssueOptions = {}): Promise<MutualTls> {
    return mutualTlsIn(await this.folderOf(name, options), { servedBy: () => ['sales', 'ledger'] });
  }

  /** Serves with the rules of the contract. `onRead` runs in the handler of `Read`; `endless` calls of `Follow` have no end. */
  async serve(mutualTls: MutualTls, settings: ServeSettings = {}): Promise<RpcServer> {
    const { onRead, endless = false, wallClock = systemWallClock } = settings;
    const audience = mutualTls.identity.current.id.uri;
    const principal = ({ values }: ServerCall) => values.get(callPrincipal);
    const subject = (call: ServerCall) => ({ subject: principal(call)?.subject ?? '' });
    const service = implement(SecuredServiceDefinition, {
      open: (_, call) => subject(call),
      async read(_, call) {
        if (onRead !== undefined) return onRead();
        const { subject: name, issuer, scopes, actors } = principal(call) ?? ada;
        return { subject: name, issuer, scopes: [...scopes], actors: [...actors] };
      },
      pass: (_, { values }) => ({ caller: values.get(callerIdentity) }),
      write: (_, call) => subject(call),
      async *follow(_, call) {
        yield subject(call);
        if (endless) await new Promise((_resolve, reject) => call.context.onEnd(() => reject(call.context.reason)));
      },
    });
    const router = createRouter({
      services: [service],
      outcomes: createMemoryOutcomes(),
      middleware: [
        verifyPrincipals({ audience, clock: systemClock, wallClock }),
        createAuthorize({}),
        endExpiredStreams({ clock: systemClock, wallClock }),
      ],
    });
    const server = await serve(router, { listen: '127.0.0.1:0', mutualTls });
    this.#servers.push(server);
    return server;
  }

  clientOf({ address }: RpcServer, mutualTls: MutualTls, { frames = false, change }: ClientSettings = {}) {
    const create = peerTransports({ mutualTls, clock: systemClock, random: systemRandom, connectTimeoutMs: HANG_MS });
    const channel = createChannel({
      resolver: staticResolver([address], { frames }),
      transport: (at, known) => {
        const inner = create(at, known);
        return change === undefined ? inner : wrapTransport(inner, { call: (wire) => inner.call(change(wire)) });
      },
    });
    this.#channels.push(channel);
    return createClient(SecuredServiceDefinition, { channel });
  }

  async close(): Promise<void> {
    for (const channel of this.#channels.splice(0)) channel.close();
    await Promise.all(this.#servers.splice(0).map((server) => server.drain(0)));
  }
}

interface ServeSettings {
  readonly onRead?: () => Promise<Reply>;
  readonly endless?: boolean;
  readonly wallClock?: WallClock;
}

interface Reply {
  readonly subject: string;
  readonly issuer: string;
  readonly scopes: string[];
  readonly actors: string[];
}
