import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { maskUrl } from '@rondo/rpc/internal';
import { readText } from './bounds.js';
import type { RegistryLocation } from './location.js';

const TLS_FILES = ['ca-file', 'cert-file', 'key-file'] as const;
/** The keys of a location that say how its servers are asked. */
export const HTTP_KEYS = ['tls', ...TLS_FILES, 'token-file'] as const;

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

/** An answer that isn't a refusal: a status below 300, or 404. */
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
  readonly #files: RegistryLocation['options'];
  readonly #tokenHeader: string;
  readonly #agent: Agent | TlsAgent;
  readonly #scheme: 'http' | 'https';
  #next = 0;

  /** @throws Error if a file can't be read. */
  constructor({ servers, options }: RegistryLocation, { tokenHeader }: { readonly tokenHeader: string }) {
    for (const name of TLS_FILES.flatMap((key) => options.get(key) ?? [])) readFileSync(name);
    this.#servers = servers;
    this.#files = options;
    this.#tokenHeader = tokenHeader;
    this.#scheme = options.get('tls') === 'on' ? 'https' : 'http';
    this.#agent = this.#scheme === 'https' ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  }

  /** @throws Error with the reason, if a server refuses, is silent or can't be reached. The next request goes to another server. */
  async ask(asked: HttpAsk): Promise<HttpAnswer> {
    const place = this.#next;
    const server = this.#servers[place % this.#servers.length] ?? '';
    const { timeoutMs = ANSWER_MS } = asked;
    const late = AbortSignal.timeout(timeoutMs);
    try {
      return await this.#askAt(server, { ...asked, signal: AbortSignal.any([late, asked.signal]) });
    } catch (error) {
      // Only the first of the requests that fail there together: a second one would lead back to that server, if there are two.
      if (this.#next === place) this.#next += 1;
      if (late.aborted) throw new Error(`${server}: no answer within ${timeoutMs} ms`);
      throw error;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #askAt(server: string, { method = 'GET', path, body, headers, signal }: HttpAsk): Promise<HttpAnswer> {
    // They are read for each request, as they may be renewed.
    const [ca, cert, key] = await Promise.all(TLS_FILES.map((name) => this.#read(name)));
    const token = (await this.#read('token-file'))?.trim();
    const send = this.#scheme === 'https' ? requestTls : requestPlain;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = send(`${this.#scheme}://${server}${path}`, {
        method,
        agent: this.#agent,
        ca,
        cert,
        key,
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
      const { location } = response.headers;
      const reason = location === undefined ? text.slice(0, 200).trim() : `it redirects to ${maskUrl(location)}`;
      if (status >= 300 && status !== 404) throw new Error(`${server}: HTTP ${status}: ${reason}`);
      return { status, headers: response.headers, json: toJson(text) };
    });
  }

  async #read(key: (typeof HTTP_KEYS)[number]): Promise<string | undefined> {
    const file = this.#files.get(key);
    return file === undefined ? undefined : await readFile(file, 'utf8');
  }
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // such as `404 page not found`
  }
}
