import { fillFile, type View } from '../../template.js';
import type { MethodContract } from '../contract/contract.js';
import type { ResourceContract } from '../contract/resources.js';
import { capitalised, kebabCase } from '../words.js';
import { handlersFile, propertyName } from './app.js';
import { type Blueprint, type NamedResource, type NamedService, resourcesOf } from './blueprint.js';

/** Renders the first test. It drives the whole service through its contract, as later tests should. */
export function renderTest(blueprint: Blueprint, known: readonly NamedService[] = blueprint.services): string {
  const { database, services, scope } = blueprint;
  const example = resourcesOf(services).length > 0 ? testResources(services, known) : chooseExample(blueprint);
  return fillFile('service/test.ts.tmpl', { database, scope, definitions: [], ...example });
}

/** Chooses the simplest method of the first service that has one: the test calls it without a field. */
function chooseExample(blueprint: Blueprint): View {
  const { services } = blueprint;
  const plain = ({ requestStream, responseStream }: MethodContract) => !requestStream && !responseStream;
  for (const named of services) {
    const { methods } = named.contract;
    const taking = methods.find((method) => plain(method) && !method.refusesEmpty);
    const method = taking ?? methods.find(plain) ?? methods[0];
    if (method !== undefined) return callOf(named, method, blueprint);
  }
  return { serves: { names: services.map(({ contract }) => `'${contract.fullName}'`).join(', ') } };
}

function callOf(named: NamedService, method: MethodContract, { name, scope }: Blueprint): View {
  const { definition, fullName, module } = named.contract;
  const cases = casesOf(method, { file: handlersFile(name, named), scope });
  return {
    definitions: [{ definition, module, client: 'client' }],
    hasClients: true,
    hasStatus: true,
    calls: { fullName, requestStream: method.requestStream, cases },
  };
}

/** What the first test expects: the file of the method's handler, and the scope without which it is refused. */
interface Expected {
  readonly file: string;
  readonly scope: string | undefined;
}

/** The cases of a method, each with what the call fails with: its status, and a part of its message. */
function casesOf(method: MethodContract, { file, scope }: Expected): readonly View[] {
  const { name } = method;
  const unwritten = { code: 'UNIMPLEMENTED', text: file };
  if (method.refusesEmpty && !method.requestStream) {
    const title = `refuses a request of ${name} that breaks its rules`;
    return [{ title, call: call(method), code: 'INVALID_ARGUMENT', remark: REFUSED }];
  }
  if (scope === undefined)
    return [{ title: `reports the file in which to implement ${name}`, call: call(method), ...unwritten }];
  const refused = { call: call(method, 'withScopes()'), code: 'PERMISSION_DENIED', text: scope };
  const title = `allows ${name} with the scope, and reports the file in which to implement it`;
  return [
    { title: `refuses ${name} without the scope ${scope}`, ...refused },
    { title, call: call(method, `withScopes('${scope}')`), ...unwritten, isLater: true },
  ];
}

/** For a contract in which the rules of each method refuse a request without fields. */
const REFUSED = 'The rules refuse {}. A request that they accept is UNIMPLEMENTED until its handler is written.';

/** An expression for the promise of the first response. */
function call({ key, requestStream, responseStream }: MethodContract, options?: string): string {
  const property = propertyName(key);
  const member = property === key ? `.${key}` : `[${property}]`;
  const args = [requestStream ? 'nothing()' : '{}', ...(options === undefined ? [] : [options])];
  const answer = `client${member}(${args.join(', ')})`;
  return responseStream ? `${answer}[Symbol.asyncIterator]().next()` : answer;
}

/**
 * The test of the resources of services, which makes each of them with what it needs. One for which no values were found has no case.
 *
 * @param known All services of the contracts.
 */
function testResources(services: readonly NamedService[], known: readonly NamedService[]): View {
  const makers: Makers = new Map();
  const tested = services.flatMap((named) => named.resources.filter((one) => collect(one, { known, makers })));
  const used = known.filter(({ resources }) => resources.some(({ contract }) => makers.has(contract.type)));
  const made = tested.map(({ contract }) => caseOf(contract, known));
  return {
    definitions: used.map(({ contract: { definition, module }, names }) => ({
      definition,
      module,
      client: clientOf(names.file),
    })),
    makers: [...makers.values()],
    made,
    hasClients: used.length > 0,
    hasStatus: made.some(({ deletes, isHidden }) => deletes && !isHidden),
  };
}

/** The functions that make resources, by their types, each after those that it calls. */
type Makers = Map<string, { readonly maker: string; readonly create: string }>;

const clientOf = (file: string) => `${file.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Client`;

const makerOf = ({ One }: ResourceContract) => `make${One}`;

interface Collected {
  readonly known: readonly NamedService[];
  readonly makers: Makers;
}

/** Adds the function that makes a resource, with those for what it needs. Returns whether that is possible. */
function collect({ contract }: NamedResource, { known, makers }: Collected): boolean {
  const { type, sample, description } = contract;
  if (makers.has(type)) return true;
  const of = (fits: (one: ResourceContract) => boolean) =>
    known.flatMap(({ resources }) => resources).find((one) => fits(one.contract));
  const parentPattern = description.pattern.split('/').slice(0, -2).join('/');
  const parent = of((one) => one.description.pattern === parentPattern);
  const needed = (sample ?? []).map(([key, value]) => {
    const target = typeof value === 'string' ? undefined : of((one) => one.kind === value.refersTo);
    return { key, value, target };
  });
  const isKnown = needed.every(({ value, target }) => typeof value === 'string' || target !== undefined);
  if (sample === undefined || !isKnown || (parentPattern !== '' && parent === undefined)) return false;
  const first = [...(parent ? [parent] : []), ...needed.flatMap(({ target }) => target ?? [])];
  if (first.some((one) => one.contract.type === type || !collect(one, { known, makers }))) return false;
  const named = (one: NamedResource) => `(await ${makerOf(one.contract)}()).name`;
  const fields = needed.map(({ key, value, target }) => `${key}: ${target ? named(target) : value}`);
  const request = [
    ...(parent ? [`parent: ${named(parent)}`] : []),
    `${contract.one}: ${fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`}`,
  ];
  const create = `${clientFor(contract, known)}.create${contract.One}({ ${request.join(', ')} })`;
  makers.set(type, { maker: makerOf(contract), create });
  return true;
}

function clientFor({ type }: ResourceContract, known: readonly NamedService[]): string {
  const service = known.find(({ resources }) => resources.some(({ contract }) => contract.type === type));
  return clientOf(service?.names.file ?? '');
}

function caseOf(contract: ResourceContract, known: readonly NamedService[]) {
  const { One, one, many, methods, description } = contract;
  const Many = capitalised(many);
  const isPart = description.pattern.split('/').length > 2;
  return {
    One,
    one,
    Many,
    many,
    maker: makerOf(contract),
    client: clientFor(contract, known),
    title: kebabCase(many).replaceAll('-', ' '),
    parent: isPart ? `{ parent: ${one}.name.split('/').slice(0, -2).join('/') }` : '{}',
    lists: methods.includes(`list${Many}`),
    deletes: methods.includes(`delete${One}`),
    isHidden: description.fields.some(({ key }) => key === 'deleteTime'),
  };
}
