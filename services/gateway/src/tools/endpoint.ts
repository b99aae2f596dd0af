import type { Tools } from '@rondo/mcp';
import type { Authenticator } from '@rondo/service';
import { schemeOf } from '../edge/challenge.js';
import { ownOrigin } from '../edge/cors.js';
import { gatewayErrors } from '../errors.js';
import { readBody } from '../http-json/body.js';
import { faultOf, HttpFault } from '../http-json/fault.js';
import type { HttpExchange, HttpHandler } from '../listener/exchange.js';
import { answerPage, type Content } from '../pages/content.js';
import type { Dispatch } from '../protocols/dispatch.js';
import type { FrontEndOptions } from '../protocols/inbound-call.js';
import { measure, toText } from '../protocols/json-text.js';
import { callTool } from './call.js';
import type { openTools } from './open.js';
import type { MethodTool } from './tool.js';
import type { MethodTools } from './tools.js';

/** Where agents call tools. */
const PATH = '/mcp';
/** Where they learn who issues tokens: of the whole address, and of its path. Source: https://www.rfc-editor.org/rfc/rfc9728#section-3 */
const METADATA = '/.well-known/oauth-protected-resource';
/** The tools in one page of a list: the SDK's client reads 64 pages at most. */
const PAGE_SIZE = 200;

export interface ToolsEndpointOptions extends FrontEndOptions {
  readonly tools: MethodTools;
  readonly serve: NonNullable<ReturnType<typeof openTools>>;
  /** Verifies credentials; undefined if none are accepted, so that every caller has all tools. */
  readonly authenticator: Authenticator | undefined;
  readonly refuse: Dispatch['refuse'];
}

/** Notes in a request of an agent where it learns who issues tokens, before the edge refuses its credentials. */
export function announceIssuers(handler: HttpHandler, { issuers = [] }: Pick<Authenticator, 'issuers'>): HttpHandler {
  return (exchange) => {
    const origin = exchange.path === PATH && issuers.length > 0 ? ownOrigin(exchange) : undefined;
    if (origin !== undefined) exchange.resourceMetadata = `${origin}${METADATA}${PATH}`;
    handler(exchange);
  };
}

/** Serves the paths of agents. The returned function returns whether the path of a request is one of them. */
export function createToolsEndpoint(options: ToolsEndpointOptions): (exchange: HttpExchange) => boolean {
  const { authenticator, tools } = options;
  return (exchange) => {
    const { path, method } = exchange;
    const { issuers = [] } = authenticator ?? {};
    if (path === PATH) serveAgent(exchange, options);
    else if (method === 'GET' && issuers.length > 0 && (path === METADATA || path === METADATA + PATH))
      answerPage(exchange, issuersPage(exchange, issuers, tools));
    else return false;
    return true;
  };
}

/** Source: https://www.rfc-editor.org/rfc/rfc9728#section-2 */
function issuersPage(exchange: HttpExchange, issuers: readonly string[], { scopes }: MethodTools): Content {
  const page = {
    resource: `${ownOrigin(exchange)}${PATH}`,
    authorization_servers: issuers,
    scopes_supported: scopes(),
    bearer_methods_supported: ['header'],
  };
  return {
    type: 'application/json',
    body: Buffer.from(JSON.stringify(page)),
    headers: { 'cache-control': 'no-cache' },
  };
}

function serveAgent(exchange: HttpExchange, options: ToolsEndpointOptions): void {
  exchange.route = PATH;
  exchange.leavesByEnding = true;
  exchange.answerHeaders['x-content-type-options'] = 'nosniff';
  const leaving = new AbortController();
  exchange.onClose((left) => left && leaving.abort());
  answerAgent(exchange, leaving.signal, options).catch((error: unknown) => {
    if (leaving.signal.aborted) return;
    const fault = faultOf(error, exchange, options.log);
    if (fault === undefined || exchange.responded) {
      exchange.abort('internal');
      return;
    }
    Object.assign(exchange.answerHeaders, fault.headers);
    options.refuse(exchange, fault.error, fault.status);
  });
}

async function answerAgent(exchange: HttpExchange, signal: AbortSignal, options: ToolsEndpointOptions): Promise<void> {
  if (exchange.method !== 'POST') throw new HttpFault(405, gatewayErrors.ONLY_POST(), { allow: 'POST' });
  if (options.authenticator !== undefined && exchange.identity?.principal === undefined)
    throw new HttpFault(401, gatewayErrors.NO_AGENT_CREDENTIALS(), { 'www-authenticate': schemeOf(exchange) });
  const body = toText(await readBody(exchange, options.maxMessageBytes));
  measure(body);
  // They would be one request for the rate limit. Versions of the protocol since 2025-06-18 have no batches.
  if (body.trimStart().startsWith('[')) throw gatewayErrors.SEVERAL_REQUESTS();
  const serve = await options.serve;
  const headers = forProtocol(Object.entries(exchange.headers));
  const request = new Request(`${ownOrigin(exchange)}${PATH}`, { method: 'POST', headers, body, signal });
  const response = await serve(request, toolsOf(exchange, options));
  const bytes = Buffer.from(await response.arrayBuffer());
  if (signal.aborted) return;
  exchange.respond(response.status, { ...forProtocol(response.headers), 'content-length': bytes.length });
  exchange.end(bytes);
}

/** The headers of the protocol of agents. Nothing of the credentials or of the connection is among them. */
const forProtocol = (headers: Iterable<readonly [string, unknown]>): Record<string, string> =>
  Object.fromEntries(
    [...headers].flatMap(([name, value]) =>
      /^(?:accept|cache-control|content-type|mcp-[a-z-]+)$/.test(name) ? [[name, String(value)]] : [],
    ),
  );

/** The tools of the caller of a request. */
function toolsOf(exchange: HttpExchange, { tools, ...options }: ToolsEndpointOptions): Tools {
  const principal = exchange.identity?.principal;
  const { get, cancel } = tools.operations(principal) ?? {};
  const ask =
    (tool: MethodTool): NonNullable<Tools['operations']>['get'] =>
    (name, by) =>
      callTool(tool, { name: tool.name, arguments: { name }, ...by }, { ...options, exchange });
  return {
    operations: get && cancel && { get: ask(get), cancel: ask(cancel) },
    caller: principal === undefined ? '' : JSON.stringify([principal.issuer, principal.subject]),
    list(after) {
      const left = tools.of(principal).filter(({ name }) => name > after);
      return { tools: left.slice(0, PAGE_SIZE).map(({ shown }) => shown), isLast: left.length <= PAGE_SIZE };
    },
    find: (name) => tools.find(name, principal)?.shown,
    call(call) {
      const tool = tools.find(call.name, principal);
      if (tool === undefined) throw gatewayErrors.NO_METHOD({ path: call.name });
      return callTool(tool, call, { ...options, exchange });
    },
  };
}
