import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  checkCount,
  checkTaken,
  createPace,
  type HttpServers,
  isFullName,
  items,
  latest,
  type parseLocation,
  takenBy,
} from '@rondo/registries';
import { fromHealth, TAG } from './entry.js';

/** For how long an agent holds a question until something has changed. */
const WAIT_MS = 5_000;
/** How much later its answer may come: the agent adds a sixteenth of the wait, and the network some more. */
const SLACK_MS = 4_000;
/** Says that ACLs hide a part of the answer; the agent doesn't say it to a process without a token. */
const FILTERED = 'x-consul-results-filtered-by-acls';
/** How many services are asked for while all are listed. */
const REQUESTS_A_SECOND = 100;

/**
 * Lists services again and again, by questions that an agent holds until something has changed.
 *
 * Source: https://developer.hashicorp.com/consul/api-docs/features/blocking
 */
export class ConsulWatch {
  readonly #agent: HttpServers;
  readonly #location: ReturnType<typeof parseLocation>;

  constructor(agent: HttpServers, location: ReturnType<typeof parseLocation>) {
    this.#agent = agent;
    this.#location = location;
  }

  async *one(service: string, signal: AbortSignal) {
    const path = healthOf(this.#location.nameOf(service));
    for (let index = '0'; ; ) {
      const answer = await this.#since(path, index, signal);
      const isEmpty = answer.isNew && items(answer.json).length === 0;
      if (isEmpty && answer.isFiltered) throw this.#hidden();
      if (isEmpty && !this.#hasToken) await this.#catalog(signal);
      yield answer.isNew ? listOf(service, answer.json) : undefined;
      index = answer.index;
    }
  }

  /** All services with Rondo's tag or the full name of a gRPC service. A change of any check has them listed again. */
  async *all(signal: AbortSignal) {
    for (let index = '0'; ; ) {
      const answer = await this.#since('/v1/health/state/any', index, signal);
      yield answer.isNew ? await this.#listAll(signal) : undefined;
      index = answer.index;
    }
  }

  async #listAll(signal: AbortSignal): Promise<readonly Instance[]> {
    const all: Instance[] = [];
    let taken = 0;
    const pace = createPace(REQUESTS_A_SECOND);
    for (const [name, tags] of await this.#catalog(signal)) {
      const service = this.#location.serviceOf(name);
      if (!items(tags).includes(TAG) && !isFullName(service)) continue;
      const listed = listOf(service, await this.#ask(healthOf(name), signal));
      taken += takenBy(listed);
      checkTaken(taken);
      all.push(...listed);
      checkCount(all.length);
      await pace(signal);
    }
    return latest(all);
  }

  /** All names, with their tags. @throws Error if ACLs hide all of them: an agent lists at least its servers, as `consul`. */
  async #catalog(signal: AbortSignal) {
    const names = Object.entries(Object(await this.#ask('/v1/catalog/services', signal)));
    if (names.length === 0) throw this.#hidden();
    return names;
  }

  async #ask(path: string, signal: AbortSignal): Promise<unknown> {
    return (await this.#agent.ask({ path: `${path}?${this.#query({})}`, signal })).json;
  }

  get #hasToken(): boolean {
    return this.#location.options.has('token-file');
  }

  #hidden(): Error {
    const token = this.#hasToken ? 'the token of token-file' : 'a process without a token';
    const remedy = 'give token-file=FILE in its URL, with a token that has service:read and node:read';
    return new Error(`the ACLs of Consul hide the services from ${token}; ${remedy}`);
  }

  /** Asks until something has changed since `index`. */
  async #since(path: string, index: string, signal: AbortSignal) {
    const query = this.#query({ index, wait: `${WAIT_MS}ms` });
    const asked = { path: `${path}?${query}`, signal, timeoutMs: WAIT_MS + SLACK_MS };
    const { json, headers } = await this.#agent.ask(asked);
    const next = String(headers['x-consul-index'] ?? '0');
    // Without an index, no question would be held.
    if (!(Number(next) > 0)) throw notConsul(path);
    const isFiltered = headers[FILTERED] === 'true';
    // An index that goes back says that the agent has lost its history, or hasn't caught up within the wait: then its list is empty.
    if (Number(next) < Number(index)) return { json, index: '0', isNew: false, isFiltered };
    return { json, index: next, isNew: next !== index, isFiltered };
  }

  #query(query: Readonly<Record<string, string>>): URLSearchParams {
    const dc = this.#location.options.get('dc');
    return new URLSearchParams({ ...query, ...(dc !== undefined && { dc }) });
  }
}

/** The error of an answer that no agent gives. */
export const notConsul = (path: string): Error =>
  new Error(`what answers at ${path} is no agent of Consul; give consul://HOST:PORT of one`);

const healthOf = (name: string) => `/v1/health/service/${encodeURIComponent(name)}`;

/** @throws RangeError if there are more than can be. */
function listOf(service: string, json: unknown): readonly Instance[] {
  checkCount(items(json).length);
  return latest(items(json).flatMap((item) => fromHealth(service, item) ?? []));
}
