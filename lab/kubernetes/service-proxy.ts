import { connect, createServer, type Server, type Socket } from 'node:net';
import { Api, type ApiAccess } from './api.js';
import { addServiceAddress } from './network.js';
import type { EndpointSlice, Service } from './objects.js';

const SERVICE_NAME = 'kubernetes.io/service-name';

/** Gives Services their addresses, as kube-proxy does: each connection goes to an endpoint that is ready, and stays there. */
export class ServiceProxy {
  readonly #api: Api;
  readonly #closing = new AbortController();
  readonly #slices = new Map<string, EndpointSlice>();
  readonly #servers: Server[] = [];
  readonly #relay = new Relay();
  readonly #served = new Set<string>();
  readonly #running: Promise<unknown>;

  constructor(access: ApiAccess) {
    const api = new Api(access);
    this.#api = api;
    const { signal } = this.#closing;
    const slices = {
      changed: (slice: EndpointSlice) => void this.#slices.set(slice.metadata.uid, slice),
      gone: (slice: EndpointSlice) => void this.#slices.delete(slice.metadata.uid),
    };
    const services = { changed: (service: Service) => void this.#serve(service), gone: () => undefined };
    this.#running = Promise.all([
      api.follow('/apis/discovery.k8s.io/v1/endpointslices', slices, { signal }),
      api.follow('/api/v1/services', services, { signal }),
    ]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const server of this.#servers) server.close();
    this.#relay.close();
    await this.#running;
    this.#api.close();
  }

  async #serve({ metadata, spec }: Service): Promise<void> {
    if (this.#served.has(metadata.uid) || spec.clusterIP === 'None') return;
    this.#served.add(metadata.uid);
    await addServiceAddress(spec.clusterIP);
    for (const { port, name } of spec.ports ?? []) {
      const server = createServer((client) => this.#accept(client, this.#pick(metadata, name)));
      this.#servers.push(server.listen(port, spec.clusterIP));
    }
  }

  #pick({ name, namespace }: Service['metadata'], portName: string | undefined) {
    const endpoints = [...this.#slices.values()].flatMap(({ metadata, ports, endpoints: all }) => {
      if (metadata.namespace !== namespace || metadata.labels?.[SERVICE_NAME] !== name) return [];
      const port = ports?.find((one) => (one.name ?? '') === (portName ?? ''))?.port;
      const ready = all?.filter(({ conditions }) => conditions?.ready !== false) ?? [];
      return port === undefined ? [] : ready.map(({ addresses: [host = ''] }) => ({ host, port }));
    });
    return endpoints[Math.floor(Math.random() * endpoints.length)];
  }

  #accept(client: Socket, endpoint: { readonly host: string; readonly port: number } | undefined): void {
    if (endpoint === undefined) client.destroy();
    else this.#relay.join(client, connect(endpoint));
  }
}

/** Pairs of connections. */
export class Relay {
  readonly #sockets = new Set<Socket>();

  /** Joins two connections until one of them ends. */
  join(client: Socket, server: Socket): void {
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one
        .on('error', () => other.destroy())
        .on('close', () => {
          this.#sockets.delete(one);
          other.end();
        })
        .pipe(other);
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
