import { describe, expect, it } from '@jest/globals';
import { emailFault, titleFault } from './rules.js';

describe('titles', () => {
  it.each(['a', '🚀'.repeat(200), ' indented', "'; DROP TABLE tasks; --"])('may be %j', (title) => {
    expect(titleFault(title)).toBeUndefined();
  });

  it.each(['', '   ', '🚀'.repeat(201), 'a\nb', 'a\u0000'])('must not be %j', (title) => {
    expect(titleFault(title)).toBeDefined();
  });
});

describe('e-mail addresses', () => {
  it.each(['a@b', 'Ada.Lovelace+work@example.co.uk', "o'brien@example.com"])('may be %s', (email) => {
    expect(emailFault(email)).toBeUndefined();
  });

  it.each(['', 'ada', '@b', 'a@', 'a@b@c', 'a b@c', 'ä@b.de', 'a@b\n', `${'a'.repeat(250)}@b.de`])(
    'must not be %j',
    (email) => {
      expect(emailFault(email)).toBeDefined();
    },
  );
});
