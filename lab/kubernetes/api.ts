import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from './objects.js';

/** How an API server is called. */
export interface ApiAccess {
  readonly server: string;
  readonly token: string;
  readonly caFile: string;
}

/** An event of objects that are watched. */
export interface Follower<T> {
  changed(object: T): void;
  gone(object: T): void;
}

/** An API server refuses. */
export class RefusedError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What a request has besides its path. */
interface Sent {
  readonly body?: unknown;
  /** Ends the answer of a watch. Any other request has its deadline. */
  readonly watch?: AbortSignal;
}

const REQUEST_MS = 5_000;
const WATCH_SECONDS = 30;
const RETRY_MS = 300;

/** A client of the API server, of one call and one list-watch. */
export class Api {
  readonly access: ApiAccess;
  readonly #agent: Agent;
  readonly #options: RequestOptions;

  constructor(access: ApiAccess) {
    this.access = access;
    this.#agent = new Agent({ keepAlive: true, ca: readFileSync(access.caFile) });
    this.#options = {
      agent: this.#agent,
      headers: { authorization: `Bearer ${access.token}`, accept: 'application/json' },
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @throws RefusedError, or the connection's error. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const lines: string[] = [];
    for await (const line of this.#send(method, path, { body })) lines.push(line);
    return JSON.parse(lines.join('\n'));
  }

  /** Lists and watches objects until the signal aborts. While the API server is away, what is known stays. */
  async follow<T extends KubeObject>(
    path: string,
    follower: Follower<T>,
    { selector = '', signal }: { readonly selector?: string; readonly signal: AbortSignal },
  ): Promise<void> {
    const known = new Map<string, T>();
    const set = (object: T) => {
      known.set(object.metadata.uid, object);
      follower.changed(object);
    };
    const remove = (object: T) => {
      known.delete(object.metadata.uid);
      follower.gone(object);
    };
    let revision = '';
    while (!signal.aborted) {
      try {
        if (revision === '') {
          const list = await this.call<{ metadata: { resourceVersion: string }; items: T[] }>(
            'GET',
            `${path}?${selector}`,
          );
          revision = list.metadata.resourceVersion;
          const listed = new Set(list.items.map(({ metadata }) => metadata.uid));
          for (const object of [...known.values()]) if (!listed.has(object.metadata.uid)) remove(object);
          for (const object of list.items) set(object);
        }
        const query = `watch=true&resourceVersion=${revision}&timeoutSeconds=${WATCH_SECONDS}&${selector}`;
        for await (const line of this.#send('GET', `${path}?${query}`, { watch: signal })) {
          const { type, object }: { type: string; object: T } = JSON.parse(line);
          if (type === 'ERROR') throw new RefusedError(410, line);
          revision = object.metadata.resourceVersion;
          if (type === 'DELETED') remove(object);
          else set(object);
        }
      } catch (error) {
        if (error instanceof RefusedError) revision = '';
        await sleep(RETRY_MS);
      }
    }
  }

  /** The lines of the answer. */
  async *#send(method: string, path: string, { body, watch }: Sent): AsyncGenerator<string, void> {
    const type = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json';
    const signal = watch ?? AbortSignal.timeout(REQUEST_MS);
    const text = body === undefined ? '' : JSON.stringify(body);
    // Node sends a DELETE with neither a length nor chunks by itself.
    const headers = { ...this.#options.headers, 'content-type': type, 'content-length': Buffer.byteLength(text) };
    const sent = request(new URL(path, this.access.server), { ...this.#options, headers, method, signal });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.on('response', resolve).on('error', reject);
      sent.end(text);
    });
    response.setEncoding('utf8');
    const status = response.statusCode ?? 0;
    let rest = '';
    for await (const chunk of response) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      if (status < 300) yield* lines;
    }
    if (status >= 300) throw new RefusedError(status, `${method} ${path}: ${status} ${rest}`);
    if (rest !== '') yield rest;
  }
}
