import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An EndpointSlice, as far as the tests set it. */
export interface Slice {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly endpoints: readonly unknown[];
  readonly ports?: readonly object[];
  readonly addressType?: string;
}

interface Watch {
  readonly selector: string;
  readonly response: ServerResponse;
}

/** Lists and watches of EndpointSlices over HTTP, as an API server answers them, and its failures. */
export class ApiServer {
  /** The paths and queries that were asked, and the tokens. */
  readonly requests: { readonly url: URL; readonly token: string | undefined }[] = [];
  /** Answers each request with this status. */
  failure: number | undefined;
  /** Answers each watch with this status. */
  watchFailure: number | undefined;
  /** Revisions up to this one are forgotten: watches from them are gone. */
  compacted = 0;
  /** How many slices a page of a list has at most. */
  pageSize = 500;
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #slices = new Map<string, Slice & { readonly revision: number }>();
  readonly #log: { readonly revision: number; readonly type: string; readonly slice: Slice }[] = [];
  readonly #watches = new Set<Watch>();
  #revision = 1;

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  get watches(): number {
    return this.#watches.size;
  }

  put(slice: Slice): void {
    const type = this.#slices.has(slice.name) ? 'MODIFIED' : 'ADDED';
    this.#revision += 1;
    this.#slices.set(slice.name, { ...slice, revision: this.#revision });
    this.#tell(type, slice);
  }

  delete(name: string): void {
    const slice = this.#slices.get(name);
    if (slice === undefined) return;
    this.#slices.delete(name);
    this.#revision += 1;
    this.#tell('DELETED', slice);
  }

  /** Forgets all slices without telling, as a store that was lost. */
  forget(): void {
    this.#slices.clear();
    this.#revision += 1;
    this.compacted = this.#revision;
  }

  /** Breaks all watches, with `event` as a last one. */
  breakWatches(event?: object): void {
    for (const { response } of this.#watches) {
      if (event === undefined) response.destroy();
      else response.end(`${JSON.stringify(event)}\n`);
    }
  }

  async close(): Promise<void> {
    this.breakWatches();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #tell(type: string, slice: Slice): void {
    const event = { revision: this.#revision, type, slice };
    this.#log.push(event);
    for (const watch of this.#watches) this.#send(watch, event);
  }

  #send({ selector, response }: Watch, { revision, type, slice }: { revision: number; type: string; slice: Slice }) {
    if (isSelected(slice, selector)) response.write(`${JSON.stringify({ type, object: toJson(slice, revision) })}\n`);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://server');
    this.requests.push({ url, token: request.headers.authorization });
    const isWatch = url.searchParams.get('watch') === 'true';
    const failure = this.failure ?? (isWatch ? this.watchFailure : undefined);
    if (failure !== undefined) {
      response.writeHead(failure).end(JSON.stringify({ kind: 'Status', message: 'forbidden for a test' }));
      return;
    }
    const selector = url.searchParams.get('labelSelector') ?? '';
    if (isWatch) this.#watch(url, { selector, response });
    else this.#list(url, { selector, response });
  }

  #list(url: URL, { selector, response }: Watch): void {
    const from = Number(url.searchParams.get('continue') ?? 0);
    const selected = [...this.#slices.values()].filter((slice) => isSelected(slice, selector));
    const items = selected.slice(from, from + this.pageSize).map((slice) => toJson(slice, slice.revision));
    const next = from + this.pageSize < selected.length ? { continue: String(from + this.pageSize) } : {};
    response.end(JSON.stringify({ metadata: { resourceVersion: String(this.#revision), ...next }, items }));
  }

  #watch(url: URL, watch: Watch): void {
    const from = Number(url.searchParams.get('resourceVersion'));
    if (from < this.compacted) {
      watch.response.end(`${JSON.stringify({ type: 'ERROR', object: { code: 410, message: 'too old' } })}\n`);
      return;
    }
    watch.response.flushHeaders();
    for (const event of this.#log.filter(({ revision }) => revision > from)) this.#send(watch, event);
    this.#watches.add(watch);
    watch.response.on('close', () => this.#watches.delete(watch));
  }
}

function isSelected({ labels, name }: Slice, selector: string): boolean {
  const [key = '', value] = selector.split('=');
  const all: Readonly<Record<string, string>> = { 'kubernetes.io/service-name': name, ...labels };
  return value === undefined ? key in all : all[key] === value;
}

function toJson({ name, labels, endpoints, ports, addressType }: Slice, revision: number): object {
  const metadata = { name, uid: `uid-${name}`, labels, resourceVersion: String(revision) };
  return {
    metadata,
    endpoints,
    ports: ports ?? [{ name: 'grpc', port: 50051 }],
    addressType: addressType ?? 'IPv4',
  };
}
