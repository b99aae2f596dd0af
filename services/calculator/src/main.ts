import { tokens } from '@rondo/authentication/tokens';
import { redis } from '@rondo/cache-redis';
import { consul } from '@rondo/registry-consul';
import { eureka } from '@rondo/registry-eureka';
import { kubernetes } from '@rondo/registry-kubernetes';
import { zookeeper } from '@rondo/registry-zookeeper';
import { runService } from '@rondo/service';
import { telemetry } from '@rondo/telemetry';
import { createApp } from './app.js';

const plugins = [consul, eureka, kubernetes, zookeeper, redis, tokens, telemetry];
await runService({ name: 'calculator', port: 50051, createApp, plugins });
