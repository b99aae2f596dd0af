import { REGISTRY_PORT, runService } from '@rondo/service';
import { createApp } from './app.js';
import { variables } from './config.js';

// It is what the others register with: it doesn't register itself.
await runService({ name: 'registry', port: REGISTRY_PORT, variables, register: false, createApp });
