import { describe, expect, it } from '@jest/globals';
import { parseFaults } from '../../packages/rondo/src/dev/faults.js';

const HANDLERS =
  'Handlers<{ readonly name: "Greeter"; readonly fullName: "helloworld.Greeter"; readonly methods: { readonly sayHello: ' +
  '{ readonly name: "SayHello"; readonly requestType: MessageFns<HelloRequest, "helloworld.HelloRequest">; ...';
const OBJECT = '{ sayHello: (request: HelloRequest) => HelloReply; sayMore: (request: MoreRequest) => MoreReply; }';
const FILE = 'services/greeter/src/greeter.ts';

const texts = (output: string) => parseFaults(output).map(({ text }: { text: string }) => text);

describe('handlers that do not follow their contract', () => {
  it('a new method: which handler is missing, where, and what writes it', () => {
    const said = `${FILE}(12,14): error TS2741: Property 'sayBye' is missing in type '${OBJECT}' but required in type '${HANDLERS}'.`;
    expect(texts(said)).toEqual([
      `${FILE}:12:14 no handler for helloworld.Greeter/SayBye: add sayBye, or run: ./rondo new service greeter`,
    ]);
  });

  it('several new methods', () => {
    const missing = 'sayBye, sayMore, sayLess, sayNo, and 2 more.';
    const said = `${FILE}(12,14): error TS2740: Type '${OBJECT}' is missing the following properties from type '${HANDLERS}': ${missing}`;
    expect(texts(said)).toEqual([
      `${FILE}:12:14 no handler for helloworld.Greeter/SayBye, helloworld.Greeter/SayMore, helloworld.Greeter/SayLess, ` +
        'helloworld.Greeter/SayNo, …: add sayBye, sayMore, sayLess, sayNo, …, or run: ./rondo new service greeter',
    ]);
  });

  it('a new method of handlers that stand in the call of implement', () => {
    const said = [
      `packages/x/src/app.ts(3,5): error TS2345: Argument of type '${OBJECT}' is not assignable to parameter of type '${HANDLERS}'.`,
      `  Property 'sayBye' is missing in type '${OBJECT}' but required in type '${HANDLERS}'.`,
    ].join('\n');
    expect(texts(said)).toEqual(['packages/x/src/app.ts:3:5 no handler for helloworld.Greeter/SayBye: add sayBye']);
  });

  it('a removed method: which handler is to go', () => {
    const known = 'Object literal may only specify known properties';
    expect(
      texts(
        [
          `${FILE}(14,3): error TS2353: ${known}, and 'sayBye' does not exist in type '${HANDLERS}'.`,
          `${FILE}(14,14): error TS7031: Binding element 'name' implicitly has an 'any' type.`,
          `${FILE}(15,3): error TS2561: ${known}, but 'sayHelo' does not exist in type '${HANDLERS}'. Did you mean to write 'sayHello'?`,
        ].join('\n'),
      ),
    ).toEqual([
      `${FILE}:14:3 helloworld.Greeter has no method SayBye: remove the handler sayBye`,
      `${FILE}:15:3 helloworld.Greeter has no method SayHelo: remove the handler sayHelo, or call it sayHello`,
    ]);
  });
});

it('parameters without types are a fault where each handler has a method', () => {
  const said = `${FILE}(14,14): error TS7031: Binding element 'name' implicitly has an 'any' type.`;
  expect(texts(said)).toEqual([`${FILE}:14:14 TS7031: Binding element 'name' implicitly has an 'any' type.`]);
});

it('any other fault is the compiler’s, with its types cut short', () => {
  const long = `{ ${'a: number; '.repeat(60)}}`;
  const said = `${FILE}(1,2): error TS2741: Property 'b' is missing in type '${long}' but required in type 'Other'.\n  Indented 'too'.`;
  const [text = ''] = texts(said);
  expect(text).toMatch(
    /^services\/greeter\/src\/greeter\.ts:1:2 TS2741: Property 'b' is missing in type '\{ a: number; /,
  );
  expect(text).toMatch(/ …' but required in type 'Other'\.\n {2}Indented 'too'\.$/);
  expect(text.length).toBeLessThan(250);
});
