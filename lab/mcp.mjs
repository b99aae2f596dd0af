/**
 * The conformance suite of the Model Context Protocol: `npm run lab -- mcp [URL]`. Its tools served by the plugin, then a gateway: that of the
 * URL, which has `RONDO_GATEWAY_MCP=on`, or one that is started.
 */
import path from 'node:path';
import { root, run } from '@rondo/tool/workspace';

/** The suite needs Node 22. */
const PACKAGES = ['--package=node@22.23.3', '--package=@modelcontextprotocol/conformance@0.2.0-alpha.12'];
/** Of what 2026-07-28 requires of a server: the other scenarios are about tools of the suite's own server. */
const OF_GATEWAY = ['server-stateless', 'tools-list', 'caching', 'dns-rebinding-protection', 'http-header-validation'];

/** Needs npm's registry for the suite. What may fail stands in the lists of `lab/mcp`, with the reason. */
export async function main([url]) {
  const { serveSuiteTools } = await import('./mcp/suite-tools.mjs');
  let failed = await runSuite(await serveSuiteTools(), 'plugin', '--requirements 2026-07-28');
  const gateway = url === undefined ? await startGateway() : { url, stop: () => undefined };
  for (const scenario of OF_GATEWAY)
    failed += await runSuite(gateway.url, 'gateway', `--spec-version 2026-07-28 --scenario ${scenario}`);
  await gateway.stop();
  return failed === 0 ? 0 : 1;
}

async function startGateway() {
  const { startSystem } = await import('@rondo/harness');
  const system = await startSystem({ prefix: 'rondo-mcp-', env: { RONDO_GATEWAY_MCP: 'on' } });
  return { url: `http://${system.address(20)}/mcp`, stop: () => system.stop().then(() => system.remove()) };
}

async function runSuite(url, list, what) {
  const [expected, results] = [`lab/mcp/${list}.yaml`, `.rondo/mcp/${list}`].map((name) => path.join(root, name));
  const call = `conformance server --url ${url} ${what} --expected-failures ${expected} --output-dir ${results}`;
  return (await run('npx', ['--yes', ...PACKAGES, '--call', call], { show: true })).code;
}
