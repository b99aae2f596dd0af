import { expect, it } from '@jest/globals';
import { fill } from './template.js';

it('fills in values, and repeats the lines of a section for each view, as they are', () => {
  const template = 'a: {{name}}\n  {{#all}}\n  - {{.}} of {{name}}\n  {{/all}}\n{{#one}}\nb: {{port}}\n{{/one}}\n';
  expect(fill(template, { name: '{{one}}', all: ['x', '$&{{y}}'], one: { port: 1 } })).toBe(
    'a: {{one}}\n  - x of {{one}}\n  - $&{{y}} of {{one}}\nb: 1\n',
  );
});

it('leaves out what an empty list, a missing value or a false one says, and keeps what stands for it', () => {
  const template = '{{#all}}\na\n{{/all}}\n{{^all}}\nnone{{#more}}, or more{{/more}}{{^more}}.{{/more}}\n{{/all}}\n';
  expect(fill(template, { all: [], more: false })).toBe('none.\n');
  expect(fill(template, { more: true })).toBe('none, or more\n');
});

it('refuses a name that has no value', () => {
  expect(() => fill('{{nme}}', { name: 'shop' })).toThrow('the template names nme, which has no value');
});
