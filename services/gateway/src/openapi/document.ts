import { createHash } from 'node:crypto';
import { commentOf } from '@rondo/schema/form';
import type { Catalogue, PublicMethod, PublicService, Route } from '../discovery/catalogue.js';
import type { OpenApiDocument, Operation } from './model.js';
import { bindingOperation, connectOperation, type OperationOptions, SHARED_RESPONSES } from './operation.js';
import { type OpenApiPath, renameVariables, shapeOfPath, toOpenApiPath } from './path.js';
import { createSchemas } from './schema.js';
import { SECURITY_SCHEMES } from './security.js';

/** The document as it is sent. */
export interface OpenApiText {
  readonly body: Buffer;
  /** A weak entity tag, as the body may be compressed. It is the same for the same document, whichever gateway made it. */
  readonly etag: string;
}

/** Returns the document of everything that the catalogue offers. It is made at the first look after a change. */
export function createOpenApi(catalogue: OpenApiCatalogue, authenticates = false): () => OpenApiText {
  let made: { readonly revision: number; readonly text: OpenApiText } | undefined;
  return () => {
    const { revision } = catalogue;
    if (made?.revision !== revision) made = { revision, text: toText(openApiDocument(catalogue, authenticates)) };
    return made.text;
  };
}

/** What the document needs of the catalogue. */
export type OpenApiCatalogue = Pick<Catalogue, 'services' | 'routes' | 'revision'>;

function toText(document: OpenApiDocument): OpenApiText {
  const body = Buffer.from(JSON.stringify(document));
  return { body, etag: `W/"${document.info.version}"` };
}

/** The most that the operations of a package take, as JSON. A contract's methods times its fields and comments may be any number. */
const MAX_PACKAGE_LENGTH = 2 ** 20;

/**
 * The OpenAPI 3.1 document of all public services. Its version is a digest of its content. If the gateway
 * `authenticates`, the document lists the credentials that each operation needs.
 */
export function openApiDocument(
  { services, routes }: Pick<Catalogue, 'services' | 'routes'>,
  authenticates = false,
): OpenApiDocument {
  const schemas = createSchemas();
  const paths = createPaths();
  const nameOf = createOperationIds(services);
  const bound = new Set<PublicMethod>();
  const lengths = new Map<string, number>();
  const describe = (target: PublicMethod, make: (options: OperationOptions) => Operation): Operation | undefined => {
    const name = target.desc.parent.file.proto.package;
    const before = lengths.get(name) ?? 0;
    if (before > MAX_PACKAGE_LENGTH) return undefined;
    const operation = make({ target, operationId: nameOf(target), schemas, authenticates });
    const length = before + JSON.stringify(operation).length;
    lengths.set(name, length);
    if (length > MAX_PACKAGE_LENGTH)
      paths.notes.push(`Further methods of \`${name}\`: their descriptions are too long.`);
    return operation;
  };
  for (const route of runningFirst(routes, services)) {
    bound.add(route.target);
    const place = paths.place(route);
    if (place === undefined) continue;
    const operation = describe(route.target, (options) => bindingOperation(route.binding, place.path, options));
    if (operation !== undefined) place.set(operation);
  }
  for (const target of services.flatMap(({ methods }) => methods).filter((method) => !bound.has(method))) {
    if (!paths.placeCall(target)) continue;
    const operation = describe(target, connectOperation);
    if (operation !== undefined) paths.add(target.method.path, 'post', operation);
  }
  const document = {
    openapi: '3.1.1',
    info: { title: 'Rondo', version: '', description: about(paths.notes) },
    servers: [{ url: '/' }],
    security: [],
    tags: services.map(toTag),
    paths: paths.all(),
    components: {
      schemas: schemas.components(),
      responses: SHARED_RESPONSES,
      ...(authenticates && { securitySchemes: SECURITY_SCHEMES }),
    },
  } as const;
  const version = createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 16);
  return { ...document, info: { ...document.info, version } };
}

/** A service whose instances have left must not keep a path from one that runs. */
function runningFirst(routes: readonly Route[], services: readonly PublicService[]): readonly Route[] {
  const running = new Set(services.filter(({ instances }) => instances > 0).map(({ name }) => name));
  const isRunning = ({ target }: Route) => running.has(target.desc.parent.typeName);
  return [...routes.filter(isRunning), ...routes.filter((route) => !isRunning(route))];
}

function toTag({ name, desc }: PublicService) {
  const description = commentOf(desc);
  return { name, ...(description !== '' && { description }) };
}

/** The HTTP methods that OpenAPI 3.1 can describe. */
const VERBS: ReadonlySet<string> = new Set(['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'TRACE']);

/** A place for an operation. */
interface Place {
  readonly path: OpenApiPath;
  set(operation: Operation): void;
}

/** The paths of the document, and notes on what isn't in it. */
function createPaths() {
  const items = new Map<string, Record<string, Operation>>();
  const byShape = new Map<string, OpenApiPath>();
  const notes: string[] = [];

  const add = (path: string, verb: string, operation: Operation): void => {
    const item = items.get(path) ?? {};
    items.set(path, item);
    item[verb] = operation;
  };

  return {
    notes,
    add,
    /** Finds the place of a route. Undefined, with a note, if OpenAPI can't express it. */
    place({ target, binding, takenBy }: Route): Place | undefined {
      const { verb, template } = binding;
      const at = `\`${verb} ${template.text}\` of \`${target.method.path.slice(1)}\``;
      if (takenBy !== undefined) {
        notes.push(`${at} is switched off: ${takenBy.slice(1)} has the same path.`);
        return undefined;
      }
      if (!VERBS.has(verb)) {
        notes.push(`${at}: OpenAPI doesn’t have this HTTP method.`);
        return undefined;
      }
      const own = toOpenApiPath(template);
      const shape = shapeOfPath(own.text);
      const path = renameVariables(own, byShape.get(shape) ?? own);
      if (items.get(path.text)?.[verb.toLowerCase()] !== undefined) {
        notes.push(`${at}: OpenAPI can’t tell its path from that of another operation.`);
        return undefined;
      }
      byShape.set(shape, path);
      return { path, set: (operation) => add(path.text, verb.toLowerCase(), operation) };
    },
    /** Whether a method without a binding can be described. */
    placeCall({ method }: PublicMethod): boolean {
      if (!method.requestStream && !method.responseStream) return true;
      notes.push(
        `\`${method.path.slice(1)}\` has streams, and no path for HTTP/JSON. Call it by gRPC, gRPC-Web or Connect.`,
      );
      return false;
    },
    all: () => Object.fromEntries([...items].sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

/**
 * Names operations `Service_Method`. If two packages have a service of one name, only the first one's operations are named so;
 * the others' begin with the package. Further bindings of a method have numbers.
 */
function createOperationIds(services: readonly PublicService[]): (target: PublicMethod) => string {
  const owners = new Map<string, string>();
  for (const { desc } of services) if (!owners.has(desc.name)) owners.set(desc.name, desc.typeName);
  const used = new Set<string>();
  return ({ desc }) => {
    const { name, typeName } = desc.parent;
    const service = owners.get(name) === typeName ? name : typeName.replaceAll('.', '_');
    const first = `${service}_${desc.name}`;
    let id = first;
    for (let number = 2; used.has(id); number += 1) id = `${first}${number}`;
    used.add(id);
    return id;
  };
}

const ABOUT = `The methods of all public services, over HTTP/JSON.

Descriptions name fields as the contracts do (\`page_size\`). JSON has them in lowerCamelCase (\`pageSize\`); requests may use either. Integers of 64 bits are strings, unless a schema says otherwise, because many parsers round large numbers. A reply has all fields that can’t be missing, also if they are 0 or empty.

Each request may have a deadline, as \`Grpc-Timeout: 2S\` or \`Connect-Timeout-Ms: 2000\`. Each answer has the id of its trace in \`x-request-id\`.`;

function about(notes: readonly string[]): string {
  if (notes.length === 0) return ABOUT;
  return `${ABOUT}\n\nNot in this document:\n\n${notes.map((note) => `- ${note}`).join('\n')}`;
}
