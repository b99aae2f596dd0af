import { fillFile, type View } from '../../template.js';
import type { MethodContract } from '../contract/contract.js';
import { handlersFile, propertyName } from './app.js';
import { type Blueprint, type NamedService, resourcesOf } from './blueprint.js';
import { testResources } from './resource-cases.js';

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
