import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { openMcp } from '@rondo/mcp';
import { silentLogger } from '@rondo/rpc/call';
import { systemClock } from '@rondo/rpc/clock';
import { seededRandom } from '@rondo/rpc/testing';
import type { Authenticator } from '@rondo/service';
import type { PublicService } from '../../src/discovery/catalogue.js';
import { createEdge } from '../../src/edge/edge.js';
import type { Backend } from '../../src/protocols/backend.js';
import { createDispatch, type Dispatch } from '../../src/protocols/dispatch.js';
import { withDefaults } from '../../src/protocols/inbound-call.js';
import { announceIssuers, createToolsEndpoint } from '../../src/tools/endpoint.js';
import { createMethodTools, type MethodToolsOptions } from '../../src/tools/tools.js';
import { cleanUp, listening } from './listening.js';

/** What agents call. */
interface Offered {
  readonly services: readonly PublicService[];
  readonly backend: Backend;
  readonly authenticator?: Authenticator | undefined;
  readonly operations?: MethodToolsOptions['operations'];
  /** Signs confirmations. */
  readonly key?: Uint8Array;
}

/** A gateway that serves agents, on a port of its own. */
export async function gatewayOfAgents({
  services,
  backend,
  authenticator,
  operations,
  key = Buffer.alloc(32, 7),
}: Offered) {
  const refuse: Dispatch['refuse'] = (exchange, error, status) => dispatch.refuse(exchange, error, status);
  const edge = createEdge({
    log: silentLogger,
    clock: systemClock,
    random: seededRandom(1),
    listenHost: '127.0.0.1',
    hosts: ['localhost', '127.0.0.1'],
    corsOrigins: [],
    isProxy: () => false,
    mayTrace: () => false,
    rate: undefined,
    authenticator,
    refuse,
  });
  const tools = createMethodTools({
    catalogue: { services, revision: 1 },
    authenticates: authenticator !== undefined,
    log: silentLogger,
    ...(operations && { operations }),
  });
  const calls = withDefaults({ backend });
  const endpoint = createToolsEndpoint({ ...calls, tools, serve: openMcp(key), authenticator, refuse });
  const catalogue = {
    method: () => 'unknown' as const,
    route: () => undefined,
    learning: () => false,
    onChange: () => () => undefined,
  };
  const dispatch: Dispatch = createDispatch({ ...calls, catalogue, httpJson: () => undefined, pages: endpoint });
  const { port } = await listening({ handler: announceIssuers(edge.admit(dispatch.handle), authenticator ?? {}) });
  return { port, url: `http://127.0.0.1:${port}/mcp` };
}

/** How an agent's program connects. */
export interface AgentOptions {
  readonly token?: string | undefined;
  /** Whether it speaks the protocol of 2025. */
  readonly old?: boolean;
  /** What a person answers when asked; undefined for a program that can't ask. */
  readonly person?: ((question: string) => 'accept' | 'decline') | undefined;
}

/** The SDK's client, connected until the end of the test. */
export async function agentAt(url: string, { token, old = false, person }: AgentOptions = {}): Promise<Client> {
  const client = new Client(
    { name: 'test-agent', version: '1.0.0' },
    {
      capabilities: person ? { elicitation: {} } : {},
      versionNegotiation: { mode: old ? 'legacy' : { pin: '2026-07-28' } },
    },
  );
  if (person !== undefined)
    client.setRequestHandler('elicitation/create', ({ params }) => ({ action: person(params.message) }));
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  cleanUp(() => client.close());
  return client;
}
