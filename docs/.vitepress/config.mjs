import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesBelow } from '@rondo/tool/workspace';
import { defineConfig } from 'vitepress';

const DOCS = fileURLToPath(new URL('../', import.meta.url));
const TARGET = 'es2022';

export default defineConfig({
  title: 'Rondo',
  description: 'A runtime with tools for gRPC microservices in TypeScript',
  locales: { root: { label: 'English', lang: 'en' }, zh: { label: '简体中文', lang: 'zh-CN' } },
  outDir: '../.rondo/docs',
  cacheDir: '../.rondo/vitepress',
  cleanUrls: true,
  rewrites: (page) => page.replace(/README\.md$/, 'index.md'),
  markdown: { config: unlinkOutside },
  vite: { build: { target: TARGET }, optimizeDeps: { esbuildOptions: { target: TARGET } } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [
      ...listed('README.md'),
      group('Generated references', 'generated', (file) => !/^(?:api|cli)\//.test(file)),
      group('Commands of rondo', 'generated/cli'),
      group('API', 'generated/api'),
      group('Decisions', 'adr'),
    ],
  },
});

/** The pages that a page lists, by its headings. */
function listed(page) {
  const sections = readFileSync(path.join(DOCS, page), 'utf8').split(/^## /m).slice(1);
  return sections.map((section) => ({
    text: section.split('\n', 1)[0],
    items: [...section.matchAll(/\[([^\]]+)\]\(([\w/-]+\.md)\)/g)].map(([, text, file]) => ({
      text,
      link: `/${file}`,
    })),
  }));
}

/** The pages below a folder. */
function group(text, folder, isListed = () => true) {
  const items = filesBelow(path.join(DOCS, folder))
    .filter((file) => file.endsWith('.md') && !/(?:index|README)\.md$/.test(file) && isListed(file))
    .map((file) => ({ text: titleOf(path.join(DOCS, folder, file)), link: `/${folder}/${file}` }));
  return { text, items, collapsed: true };
}

function titleOf(file) {
  const [, title = ''] = /^# (.*)$/m.exec(readFileSync(file, 'utf8')) ?? [];
  return title.replaceAll('`', '');
}

/** Makes text of links that lead out of docs/: the site has the pages alone. */
function unlinkOutside({ core }) {
  core.ruler.push('unlink_outside', ({ tokens, env }) => {
    for (const token of tokens) {
      let outside = false;
      token.children = token.children?.filter(({ type, attrGet }, index) => {
        if (type === 'link_open') outside = leadsOutside(env.relativePath, attrGet.call(token.children[index], 'href'));
        return !(outside && (type === 'link_open' || type === 'link_close'));
      });
    }
  });
}

const leadsOutside = (page, href) => path.posix.join(path.posix.dirname(page), href).startsWith('../');
