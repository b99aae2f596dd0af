import { tokens } from '@rondo/authentication/tokens';
import { redis } from '@rondo/cache-redis';
import { consul } from '@rondo/registry-consul';
import { eureka } from '@rondo/registry-eureka';
import { kubernetes } from '@rondo/registry-kubernetes';
import { zookeeper } from '@rondo/registry-zookeeper';
import { runService } from '@rondo/service';
import { telemetry } from '@rondo/telemetry';
import { nats } from '@rondo/topics-nats';
import { createApp } from './app.js';
import { variables } from './config.js';

const plugins = [consul, eureka, kubernetes, zookeeper, redis, tokens, nats, telemetry];
await runService({ name: 'sales', port: 50053, variables, createApp, plugins });
