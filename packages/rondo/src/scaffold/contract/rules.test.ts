import { beforeAll, expect, it } from '@jest/globals';
import { compiled, filesIn, newFile } from '../../../test/scaffold/staged.js';
import { checkRules } from '../../generate/check-rules.js';

const option = (rule: string) => `[(buf.validate.field).${rule}]`;

/** The fields that generation refuses, with the expected message. The line of the fault ends in `// here`. */
const refused: readonly [field: string, reason: RegExp][] = [
  [`string name = 1 ${option('int32.gt = 3')};`, /^name: expected rule "string", got "int32"/],
  [`repeated string name = 1 ${option('repeated.items.int32.gt = 3')};`, /^name: expected rule "string", got "int32"/],
  [`string name = 1 ${option('string.pattern = "(a"')};`, /^name: the pattern doesn't compile: .*RE2's syntax/],
  [`string name = 1 ${option('string.pattern = "(a)\\\\1"')};`, /^name: the pattern doesn't compile: .*invalid escape/],
  [`string name = 1 ${option('cel = {id: "x" expression: "this +"}')};`, /^name: failed to compile x: syntax error/],
  ['option (buf.validate.message).oneof = {fields: ["nme"]};', /^ field "nme" not found/],
  ['option (buf.validate.message).cel = {id: "x" expression: "this.nme == 1"};', /^ field not found: nme/],
];

const text = `syntax = "proto3";
package p;
import "buf/validate/validate.proto";
${refused.map(([body], index) => `message M${index} {\n  ${body} // here\n}\n`).join('')}
message Outer { message Inner { string name = 1 ${option('bool.const = true')}; /* inner */ } }
message Fine { string name = 1 ${option('string = {pattern: "^[a-z]+$" min_len: 3}')}; M0 faulty = 2; }
message Late { int32 divisor = 1 ${option('cel = {id: "x" expression: "1 / this == 1"}')}; }
`;
const lines = text.split('\n');

let reported: readonly string[];

beforeAll(async () => {
  reported = checkRules(filesIn(await compiled(newFile('p.proto', text)), 'p.proto'));
});

it.each(refused)('refuses %s', (body, reason) => {
  const index = refused.findIndex(([one]) => one === body);
  const line = lines.findIndex((one) => one.includes(`${body} // here`)) + 1;
  const found = reported.filter((one) => one.startsWith(`proto/p.proto:${line}: M${index}`));
  expect(found).toHaveLength(1);
  expect(found[0]?.replace(/^.*?: M\d+[.:]/, '')).toMatch(reason);
});

it('refuses a rule of a message in another message, by its line', () => {
  const line = lines.findIndex((one) => one.includes('/* inner */')) + 1;
  expect(reported).toContainEqual(
    expect.stringMatching(new RegExp(`^proto/p.proto:${line}: Inner.name: expected rule`)),
  );
});

it('refuses nothing else: each fault once, and no value that a rule in CEL only fails for', () => {
  expect(reported).toHaveLength(refused.length + 1);
});
