/** Checks the `google.api.http` rules in contracts with the code by which the gateway routes, and what the gateway offers. */
import type { DescFile, FileRegistry } from '@bufbuild/protobuf';
// From the sources, as this runs before any build.
import { findConflicts } from '../../../schema/src/http/conflicts.js';
import { type CheckedRule, checkRule, type PlainRule } from '../../../schema/src/http/rule-check.js';
import { EXPOSURE_INTERNAL } from './check-tools.js';
import { type Contracts, faultAt, methodsOf } from './declarations.js';
import { httpRule, type ReadHttpRule, servicePolicy } from './options.js';

interface BoundMethod extends CheckedRule {
  readonly name: string;
  readonly tell: (reason: string) => string;
}

/** The faults in the HTTP rules of some files, each with file, line, reason and remedy. Conflicts are looked for among all contracts. */
export function checkHttp({ registry, files }: Contracts): readonly string[] {
  const bound = files.flatMap((file) => boundIn(file, registry));
  const others = [...registry.files].filter((file) => !files.includes(file));
  return [
    ...files.flatMap((file) => [...exposed(file, registry)]),
    ...bound.flatMap(({ faults, tell }) => faults.map((fault) => tell(fault))),
    ...conflicts(
      bound,
      others.flatMap((file) => boundIn(file, registry)),
    ),
  ];
}

const OPTIONS = 'rondo/options/v1/options.proto';

/**
 * The rules of a file's methods, checked. Contracts that import nothing of Rondo come from elsewhere, and must be taken as
 * they are: the gateway leaves out the rules that it can't serve, and its log says why.
 */
function boundIn(file: DescFile, registry: FileRegistry): readonly BoundMethod[] {
  const option = httpRule(registry);
  if (!file.proto.dependency.includes(OPTIONS)) return [];
  return methodsOf(file).flatMap((method) => {
    const rule = option.of(method);
    if (rule === undefined) return [];
    const tell = (reason: string) => faultAt(method, reason, option);
    const name = `${method.parent.typeName}.${method.name}`;
    return [{ ...checkRule(method, plain(rule)), name, tell }];
  });
}

function plain({ pattern, body, responseBody, additionalBindings }: ReadHttpRule): PlainRule {
  return { pattern: patternOf(pattern), body, responseBody, additionalBindings: additionalBindings.map(plain) };
}

function patternOf(pattern: ReadHttpRule['pattern']): PlainRule['pattern'] {
  if (pattern.case === undefined) return undefined;
  if (pattern.case === 'custom') return { verb: pattern.value.kind, path: pattern.value.path };
  return { verb: pattern.case.toUpperCase(), path: pattern.value };
}

function conflicts(bound: readonly BoundMethod[], other: readonly BoundMethod[]): readonly string[] {
  const bindings = [...other, ...bound].flatMap(({ bindings: own, name, tell }) =>
    own.map((binding) => ({ ...binding, name, tell })),
  );
  return findConflicts(bindings)
    .filter(({ second }) => bound.some(({ name }) => name === second.name))
    .map(({ first, second }) => {
      const taken = `${first.verb} ${first.template.text} of ${first.name}`;
      return second.tell(`${second.verb} ${second.template.text} takes the same paths as ${taken}; change one of them`);
    });
}

/** The services that the gateway would offer, although they are for the system's own processes. */
function* exposed(file: DescFile, registry: FileRegistry): Generator<string> {
  const option = servicePolicy(registry);
  for (const service of file.services) {
    if (!service.typeName.startsWith('rondo.')) continue;
    if (option.of(service)?.exposure === EXPOSURE_INTERNAL) continue;
    const reason =
      "a service under rondo. is for the system's own processes; set exposure: EXPOSURE_INTERNAL in (rondo.options.v1.service)";
    yield faultAt(service, reason, option);
  }
}
