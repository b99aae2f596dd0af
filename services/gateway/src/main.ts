#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { tokens } from '@rondo/authentication/tokens';
import { balancing } from '@rondo/balancing';
import { redis } from '@rondo/cache-redis';
import { openMcp } from '@rondo/mcp';
import { consul } from '@rondo/registry-consul';
import { eureka } from '@rondo/registry-eureka';
import { kubernetes } from '@rondo/registry-kubernetes';
import { zookeeper } from '@rondo/registry-zookeeper';
import { runService } from '@rondo/service';
import { telemetry } from '@rondo/telemetry';
import { createApp } from './app.js';
import { variables } from './config.js';

const plugins = [balancing, consul, eureka, kubernetes, zookeeper, redis, tokens, telemetry];
const { pages, launcher } = parseArgs({
  options: {
    pages: { type: 'string' },
    launcher: { type: 'string' },
    handover: { type: 'boolean' },
    migrate: { type: 'boolean' },
  },
}).values;
await runService({
  name: 'gateway',
  port: 50071,
  variables,
  createApp: (context, config) => createApp(context, { ...config, pages, launcher, open: openMcp }),
  plugins,
});
