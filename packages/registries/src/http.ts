import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { readText } from './bounds.js';
import type { RegistryLocation } from './location.js';

/** The keys of a location that say how its servers are asked. */
export const HTTP_KEYS = ['tls', 'ca-file', 'cert-file', 'key-file', 'token-file'] as const;

/** One request. */
export interface HttpAsk {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** The path, with its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Milliseconds; 5,000 by default. */
  readonly timeoutMs?: number;
}

/** An answer that isn't a refusal: a status below 400, or 404. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Undefined if the answer isn't JSON. */
  readonly json: unknown;
}

const ANSWER_MS = 5_000;

/** A registry that answers in JSON over HTTP, at the first of its servers that does. */
export class HttpServers {
  readonly #servers: readonly string[];
  readonly #tokenFile: string | undefined;
  readonly #tokenHeader: string;
  readonly #agent: Agent | TlsAgent;
  readonly #scheme: 'http' | 'https';
  #next = 0;

  /** @throws Error if a file can't be read. */
  constructor({ servers, options }: RegistryLocation, { tokenHeader }: { readonly tokenHeader: string }) {
    const file = (key: string) => {
      const name = options.get(key);
      return name === undefined ? undefined : readFileSync(name);
    };
    this.#servers = servers;
    this.#tokenFile = options.get('token-file');
    this.#tokenHeader = tokenHeader;
    this.#scheme = options.get('tls') === 'on' ? 'https' : 'http';
    const tls = { ca: file('ca-file'), cert: file('cert-file'), key: file('key-file') };
    this.#agent = this.#scheme === 'https' ? new TlsAgent({ ...tls, keepAlive: true }) : new Agent({ keepAlive: true });
  }

  /** @throws Error with the reason, if a server refuses, is silent or can't be reached. The next request goes to another server. */
  async ask(asked: HttpAsk): Promise<HttpAnswer> {
    const server = this.#servers[this.#next % this.#servers.length] ?? '';
    const { timeoutMs = ANSWER_MS } = asked;
    const late = AbortSignal.timeout(timeoutMs);
    try {
      return await this.#askAt(server, { ...asked, signal: AbortSignal.any([late, asked.signal]) });
    } catch (error) {
      this.#next += 1;
      if (late.aborted) throw new Error(`${server}: no answer within ${timeoutMs} ms`);
      throw error;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #askAt(server: string, { method = 'GET', path, body, headers, signal }: HttpAsk): Promise<HttpAnswer> {
    // It is read for each request, as it may be renewed.
    const token = this.#tokenFile === undefined ? undefined : (await readFile(this.#tokenFile, 'utf8')).trim();
    const send = this.#scheme === 'https' ? requestTls : requestPlain;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = send(`${this.#scheme}://${server}${path}`, {
        method,
        agent: this.#agent,
        signal,
        headers: {
          accept: 'application/json',
          'accept-encoding': 'gzip',
          ...headers,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(token !== undefined && { [this.#tokenHeader]: token }),
        },
      });
      request.on('response', resolve).on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
    // Lists are alike and long: a tenth is sent.
    const isPacked = response.headers['content-encoding'] === 'gzip';
    const { statusCode: status = 0 } = response;
    return readText(isPacked ? pipeline(response, createGunzip(), () => undefined) : response, (text) => {
      if (status >= 400 && status !== 404) throw new Error(`${server}: HTTP ${status}: ${text.slice(0, 200).trim()}`);
      return { status, headers: response.headers, json: toJson(text) };
    });
  }
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // such as `404 page not found`
  }
}
