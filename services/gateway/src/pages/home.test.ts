import { describe, expect, it } from '@jest/globals';
import { catalogueOf, wellKnownFiles } from '../../test/support/catalogues.js';
import { fileOf, get, post } from '../../test/support/files.js';
import { escapeHtml, homePage } from './home.js';

const BASE = 'http://127.0.0.1:8080';
const own = catalogueOf([
  ...wellKnownFiles,
  fileOf('a.v1.Writer', { Create: { rule: post('/v1/books') }, Purge: { rule: get('/v1/books:purge') } }),
  fileOf('b.v1.Reader', {
    Watch: { streams: true, safe: true, rule: get('/v1/books:watch') },
    Get: { safe: true, rule: get('/v1/{name=books/*}'), fields: { name: 'string' } },
    List: { safe: true, rule: get('/v1/books') },
  }),
]);
const commandsOf = (html: string) => [...html.matchAll(/<pre>(.*)<\/pre>/g)].map(([, command]) => command);

describe('homePage', () => {
  it('says that nothing is known yet, and has a command nevertheless', () => {
    const html = homePage({ services: [], routes: [] }, BASE);
    expect(html).toContain('No public service is known yet.');
    expect(html).not.toContain('<table>');
    expect(commandsOf(html)).toEqual(['grpcurl -plaintext 127.0.0.1:8080 list']);
  });

  it('lists each service with its methods, its routes and its instances', () => {
    const html = homePage(own, BASE);
    for (const { name, methods } of own.services) expect(html).toContain(`<tr><td>${name}<td>${methods.length}<td>`);
    expect(html).toContain(`serves ${own.services.length} services over`);
  });

  it('shows commands only of methods that read', () => {
    expect(commandsOf(homePage(own, BASE))).toEqual([
      'curl http://127.0.0.1:8080/v1/books',
      'curl -H &#39;content-type: application/json&#39; -d &#39;{}&#39; http://127.0.0.1:8080/b.v1.Reader/List',
      'grpcurl -plaintext 127.0.0.1:8080 list',
    ]);
  });

  it('shows no command of a service whose last instance left', () => {
    const services = own.services.map((service) => ({ ...service, instances: 0 }));
    expect(commandsOf(homePage({ services, routes: own.routes }, BASE))).toEqual([
      'grpcurl -plaintext 127.0.0.1:8080 list',
    ]);
  });

  it('wraps names and commands, so that a narrow page cuts none', () => {
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(homePage(own, BASE)) ?? [];
    expect(style).toMatch(/^body \{[^}]*overflow-wrap: anywhere/);
    expect(style).toMatch(/^pre \{[^}]*white-space: pre-wrap/m);
  });

  it('names the port that grpcurl needs', () => {
    const [command] = commandsOf(homePage({ services: [], routes: [] }, 'https://api.example.com'));
    expect(command).toBe('grpcurl api.example.com:443 list');
  });

  it('shows which routes are switched off, and by which method', () => {
    const [first, second] = own.routes;
    if (first === undefined || second === undefined) throw new Error('there are no routes');
    const routes = [first, { ...second, takenBy: first.target.method.path }];
    const { verb, template } = second.binding;
    const by = first.target.method.path.slice(1);
    const text = `${verb} ${template.text} of ${second.target.method.path.slice(1)}: ${by} has the same path.`;
    expect(homePage({ services: own.services, routes }, BASE)).toContain(`<li>${escapeHtml(text)}`);
  });

  it('escapes what a contract or a request says, for HTML and for a shell', () => {
    const services = own.services.slice(0, 1).map((service) => ({ ...service, name: '<script>alert(1)</script>' }));
    const html = homePage({ services, routes: own.routes }, `http://"><script>$(rm)'`);
    expect(html).not.toContain('<script>');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).toContain(escapeHtml(String.raw`'"><script>$(rm)'\'':80' list`));
  });
});
