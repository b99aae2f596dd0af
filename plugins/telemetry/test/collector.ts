import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** A span as OTLP/JSON has it, with its attributes and those of its resource as records. */
export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  /** The library that made it. */
  readonly scope: string;
}

/** How the collector answers: with a status, never, or as one that is away: it drops the connection. */
export type Answer = number | 'never' | 'away';

/** A collector for OTLP over HTTP on a free port. It keeps what it gets. */
export async function startCollector() {
  const bodies: Buffer[] = [];
  let answer: Answer = 200;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks));
      if (answer === 'away') request.socket.destroy();
      else if (answer !== 'never') response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    bodies,
    answers(given: Answer): void {
      answer = given;
    },
    spans: (): readonly ReceivedSpan[] => bodies.flatMap((body) => spansIn(JSON.parse(body.toString()))),
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly (Omit<ReceivedSpan, 'attributes' | 'resource' | 'scope'> & {
        readonly attributes: readonly KeyValue[];
      })[];
    }[];
  }[];
}

function spansIn({ resourceSpans }: Request): readonly ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        ...span,
        attributes: recordOf(span.attributes),
        resource: recordOf(resource.attributes),
        scope: scope.name,
      })),
    ),
  );
}

const recordOf = (pairs: readonly KeyValue[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));
