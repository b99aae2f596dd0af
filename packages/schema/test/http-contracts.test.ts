import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { expect, it } from '@jest/globals';
import { createRoutes } from '../src/http/routes.js';
import { httpRuleOf } from '../src/http/rule.js';

const bytes = readFileSync(new URL('../../contracts/descriptors.binpb', import.meta.url));
const methods = [...createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes))]
  .flatMap((desc) => (desc.kind === 'service' ? desc.methods : []))
  .map((method) => ({ path: `/${method.parent.typeName}/${method.name}`, rule: httpRuleOf(method) }));

it('finds no fault in the rules of the contracts, and no conflict', () => {
  expect(methods.flatMap(({ path, rule }) => rule.faults.map((fault) => `${path}: ${fault}`))).toEqual([]);
  const entries = methods.flatMap(({ path, rule }) =>
    rule.bindings.map((binding) => ({ method: path, binding, target: path })),
  );
  expect(createRoutes(entries).disabled).toEqual([]);
});

it.each([
  ['POST', '/add', '/calculator.v1.CalculatorService/Add'],
  ['GET', '/v1/calculator:add', '/calculator.v1.CalculatorService/Add'],
  ['POST', '/v1/calculator:sum', '/calculator.v1.CalculatorService/Sum'],
])('%s %s leads to %s', (verb, path, method) => {
  const entries = methods.flatMap((one) =>
    one.rule.bindings.map((binding) => ({ method: one.path, binding, target: one.path })),
  );
  expect(createRoutes(entries).match(verb, path)).toMatchObject({ target: method });
});
