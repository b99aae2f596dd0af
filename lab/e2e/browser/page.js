/** The page of the test: it watches one project in three ways, and keeps what it hears. */
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
// biome-ignore lint/correctness/noUnresolvedImports: the test generates it, and gives its place to esbuild.
import { ProjectService } from 'contract';

/** The title of the project at each event, by the way it came; and what failed. */
const seen = { grpcWeb: [], connect: [], events: [], failures: [] };

function keep(titles, { case: kind, value }) {
  titles.push(kind === 'snapshot' ? `begins with ${value.project.title}` : value.title);
}

async function watchByClient(transport, request, titles) {
  try {
    const events = createClient(ProjectService, transport).watchProject(request);
    for await (const { event } of events) keep(titles, event);
    seen.failures.push('a stream ended');
  } catch (error) {
    seen.failures.push(String(error));
  }
}

function watchByEventSource(url) {
  const source = new EventSource(url);
  source.onmessage = ({ data }) => {
    const { snapshot, projectChanged } = JSON.parse(data);
    keep(seen.events, snapshot ? { case: 'snapshot', value: snapshot } : { case: 'change', value: projectChanged });
  };
  source.addEventListener('error', ({ data }) => data && seen.failures.push(data));
}

globalThis.seen = seen;
globalThis.watch = ({ gateway, events, name }) => {
  const baseUrl = gateway;
  void watchByClient(createGrpcWebTransport({ baseUrl }), { name }, seen.grpcWeb);
  void watchByClient(createConnectTransport({ baseUrl }), { name }, seen.connect);
  watchByEventSource(`${events}/v1/${name}:watch`);
};
/** Calls from a page whose origin the gateway doesn't know. */
globalThis.read = (gateway) => fetch(`${gateway}/v1/projects`).then(({ status }) => `${status}`, String);
