import { describe, expect, it } from '@jest/globals';
import { UsageError } from '../usage-error.js';
import { parseMetadata } from './metadata.js';
import { parseMethodName } from './target.js';

describe('parseMetadata', () => {
  it('reads text, repeated keys, and bytes under -bin keys', () => {
    const metadata = parseMetadata(['tenant=acme', 'Tag=a', 'tag=b=c', 'token-bin=3q2+7w==', 'empty=']);
    expect(metadata.getAll('tag')).toEqual(['a', 'b=c']);
    expect(metadata.get('tenant')).toBe('acme');
    expect(metadata.get('empty')).toBe('');
    expect(Buffer.from(metadata.getBytes('token-bin') ?? [])).toEqual(Buffer.from('deadbeef', 'hex'));
  });

  it.each(['tenant', '=acme', 'bad key=1', 'grpc-status=0', 'token-bin=***', 'name=é'])('refuses %s', (pair) => {
    expect(() => parseMetadata([pair])).toThrow(UsageError);
  });
});

describe('parseMethodName', () => {
  it.each(['a.v1.S/M', '/a.v1.S/M'])('reads %s', (text) => {
    expect(parseMethodName(text)).toEqual({ service: 'a.v1.S', method: 'M' });
  });

  it('takes a service alone', () => {
    expect(parseMethodName('a.v1.S')).toEqual({ service: 'a.v1.S', method: undefined });
  });

  it.each(['a/b/c', '/', 'a.v1.S/', 'a b'])('refuses %s', (text) => {
    expect(() => parseMethodName(text)).toThrow('such as calculator.v1.CalculatorService/Add');
  });
});
