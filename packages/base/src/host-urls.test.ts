import { describe, expect, it } from '@jest/globals';
import { hostUrls } from './host-urls.js';

describe('hostUrls', () => {
  it.each<[string, string[]]>([
    ['postgres://a/db', ['postgres://a/db']],
    ['postgres://a,b/db', ['postgres://a/db', 'postgres://b/db']],
    ['postgres://r:p,q@a:1,b:2/db?x=1,2', ['postgres://r:p,q@a:1/db?x=1,2', 'postgres://r:p,q@b:2/db?x=1,2']],
    ['postgres://[::1]:1,[::2]/db', ['postgres://[::1]:1/db', 'postgres://[::2]/db']],
    ['postgres://a,b?host=c', ['postgres://a?host=c', 'postgres://b?host=c']],
    ['postgres://a,/db', ['postgres://a/db', 'postgres:///db']],
    ['no URL, but text', ['no URL, but text']],
  ])('%s', (url, urls) => {
    expect(hostUrls(url)).toEqual(urls);
  });
});
