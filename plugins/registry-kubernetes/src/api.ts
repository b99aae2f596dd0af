import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { checkTaken, field, items, readText, textOf } from '@rondo/registries';
import type { Cluster } from './cluster.js';
import { metaOf } from './slice.js';

/** The API server refuses, or what it answers isn't its answer. */
export class ApiError extends Error {
  /** The status of HTTP; 410 says that a revision is gone, so a list is needed. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A list of slices at one revision. */
export interface SliceList {
  readonly slices: readonly unknown[];
  readonly revision: string;
}

/** One event of a watch. `BOOKMARK` has the revision alone. */
export interface SliceEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: unknown;
}

/** A page of a list. */
const PAGE = 100;
/** A list of more pages, or an event of more characters, can't be right: Kubernetes keeps objects of up to 1.5 MB. */
const MAX_PAGES = 40;
const MAX_LENGTH = 4 * 1024 * 1024;
/** A watch ends by itself after this time, and goes on from its revision. A connection that broke silently is noticed so. */
export const WATCH_SECONDS = 60;

/** Reads EndpointSlices of one namespace. */
export class SlicesApi {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** @throws ApiError, or the connection's error. */
  async list(selector: string, signal: AbortSignal): Promise<SliceList> {
    const slices: unknown[] = [];
    let [next, taken] = ['', 0];
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const query = { labelSelector: selector, limit: String(PAGE), ...(next !== '' && { continue: next }) };
      const json = await readText(await this.#get(query, signal), (text, takenBytes): unknown => {
        taken += takenBytes;
        checkTaken(taken);
        return JSON.parse(text);
      });
      for (const slice of items(field(json, 'items'))) slices.push(slice);
      const metadata = field(json, 'metadata');
      next = textOf(field(metadata, 'continue'), 4_096);
      const { revision } = metaOf(json);
      if (revision === '') throw new ApiError(200, 'the answer is no list of EndpointSlices');
      if (next === '') return { slices, revision };
    }
    throw new ApiError(200, `the list has more than ${MAX_PAGES} pages of ${PAGE}`);
  }

  /** A bookmark as the watch begins, then the changes after `revision` until the API server ends it. @throws as {@link list} does. */
  async *watch(selector: string, revision: string, signal: AbortSignal): AsyncGenerator<SliceEvent, void> {
    const query = {
      labelSelector: selector,
      resourceVersion: revision,
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(WATCH_SECONDS),
    };
    const response = await this.#get(query, signal);
    yield { type: 'BOOKMARK', object: { metadata: { resourceVersion: revision } } };
    for await (const line of readLines(response)) yield toEvent(JSON.parse(line));
  }

  async #get(query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    const { server, namespace } = this.#cluster;
    const [ca, token] = await Promise.all([this.#cluster.ca(), this.#cluster.token()]);
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const url = new URL(`${path}?${new URLSearchParams(query)}`, server);
    const headers = { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { headers, signal, ca, agent: false };
      const request = url.protocol === 'http:' ? requestPlain(url, options) : requestTls(url, options);
      request.on('response', resolve).on('error', reject).end();
    });
    if (response.statusCode === 200) return response;
    throw await toApiError(response);
  }
}

function toEvent(json: unknown): SliceEvent {
  const object = field(json, 'object');
  const type = field(json, 'type');
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK') return { type, object };
  const code = field(object, 'code');
  throw new ApiError(typeof code === 'number' ? code : 200, textOf(field(object, 'message')) || 'the watch failed');
}

async function toApiError(response: IncomingMessage): Promise<ApiError> {
  const { statusCode: status = 0 } = response;
  const json: unknown = await readText(response, (text) => JSON.parse(text)).catch(() => undefined);
  return new ApiError(status, `HTTP ${status}: ${textOf(field(json, 'message'), 1_024) || 'no reason given'}`);
}

async function* readLines(response: IncomingMessage): AsyncGenerator<string, void> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LENGTH) throw new ApiError(200, `an event has more than ${MAX_LENGTH} characters`);
    yield* lines.filter((line) => line !== '');
  }
}
