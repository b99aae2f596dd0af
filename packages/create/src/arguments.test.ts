import { describe, expect, it } from '@jest/globals';
import { parseArguments } from './arguments.js';

const parse = (...args: readonly string[]) => parseArguments(args, '/home/ada');

describe('the arguments of npm create rondo', () => {
  it('name the folder, by which the app is named', () => {
    expect(parse('shop')).toEqual({ folder: '/home/ada/shop', name: 'shop', withDatabase: true, withSamples: false });
    expect(parse('../Shop 2', '--name', 'shop-2', '--no-database')).toEqual({
      folder: '/home/Shop 2',
      name: 'shop-2',
      withDatabase: false,
      withSamples: false,
    });
    expect(parse('shop', '--samples')).toMatchObject({ withDatabase: true, withSamples: true });
    expect(parse('--help')).toBeUndefined();
  });

  it.each([
    [[], /^name the folder to make: npm create rondo my-app$/],
    [['a', 'b'], /^"b" is not expected: options come after a "--"$/],
    [['My App'], /^the name "My App" must begin with a letter .* characters at most: give another by --name$/],
    [['shop', '--name', '@acme/shop'], /^the name "@acme\/shop" must begin with a letter .* characters at most$/],
    [['shop', '--samples', '--no-database'], /^--samples needs PostgreSQL: leave --no-database out$/],
    [['shop', '--databse'], /^Unknown option '--databse'/],
  ])('are refused if they are wrong: %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });
});
